/* test_append.c - what came back from the committer: published before it is answered, and chat hears of what is not. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "libshared/base/log.h"
#include "services/store/store.h"
#include "tests/unit/arena.h"

/* --- the outbox and chat's link, which do as the test says --- */

static char order[64]; /* p: put, f: flushed, d: doubt, a: answered well, e: answered with an error */
static size_t n_order, space;
static bool committer_has_space = true;

static void note(char what)
{
    assert_true(n_order < sizeof order - 1);
    order[n_order++] = what;
    order[n_order] = '\0';
}

bool outbox_put(struct outbox *outbox, const struct message *message)
{
    (void)outbox, (void)message;
    note('p');
    return space > 0 && space-- > 0;
}
void outbox_flush(struct outbox *outbox)
{
    (void)outbox;
    note('f');
}
void chat_link_recheck(struct chat_link *link)
{
    (void)link;
    note('d');
}
void chat_link_flush(struct chat_link *link)
{
    (void)link;
    note('l');
}
static size_t n_noted;

void feeds_note(struct log_feeds *feeds, struct id room, int64_t at)
{
    (void)feeds, (void)room, (void)at;
    n_noted++;
}
void access_cache_ask(
    struct access_cache *access, struct id room, struct str subject, access_cache_fn *answer, void *arg)
{
    (void)access, (void)room, (void)subject;
    answer(arg, OK, (struct log_access){ .role = ROLE_member });
}
/* No message of these is about another. */
bool rpc_server_work(struct rpc_server *server, struct str subject,
    enum err (*work)(struct pg *pg, struct arena *arena, void *arg), void (*done)(void *arg, enum err e), void *arg)
{
    (void)server, (void)subject, (void)work, (void)done, (void)arg;
    return false;
}

static struct append *put[8];
static size_t n_put;

bool committer_put(struct committer *committer, struct append *append)
{
    (void)committer;
    if (committer_has_space) put[n_put++] = append;
    return committer_has_space;
}

struct rpc_later {
    struct call call;
};
struct call *rpc_later_call(struct rpc_later *later)
{
    return &later->call;
}
void rpc_later_done(struct rpc_later *later, enum err e, const void *reply)
{
    (void)later, (void)reply;
    note(e == OK ? 'a' : 'e');
}

static struct wire_error whys[COUNT(put)];
static struct rpc_later laters[COUNT(put)];
static struct principal ada = { .sub = STR("ada") };
static const struct settings_store set = { .message_chars = 100, .append_max = COUNT(put) };
static struct store store;

/* So many appends are with the committer. */
static void begin_appends(size_t n)
{
    struct message_draft draft = { .id = STR("an-id"), .body = STR("x") };

    arena_reset(arena);
    n_order = n_put = n_noted = 0;
    order[0] = '\0';
    turns_destroy(&store.turns);
    store = (struct store){ .settings = &set, .n_parts = 1, .turns = turns_create() };
    for (size_t i = 0; i < n; i++) {
        laters[i].call = (struct call){ .arena = arena, .who = &ada, .why = &whys[i], .context = &store };
        message_append(&laters[i].call, &draft, &laters[i]);
    }
    assert_int_equal(n_put, n);
}

static void finish_appends(const enum err *e, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        put[i]->e = e[i];
        put[i]->next = i + 1 < n ? put[i + 1] : NULL;
    }
    appends_done(&store, put[0]);
    assert_int_equal(store.appends_open, 0);
}

static void publications_leave_before_the_answers(void **state)
{
    (void)state;
    space = 9;
    begin_appends(2);
    finish_appends((const enum err[]){ OK, OK }, 2);
    assert_string_equal(order, "ppflaa");
}

static void what_was_not_stored_is_not_published(void **state)
{
    (void)state;
    space = 9;
    begin_appends(3);
    finish_appends((const enum err[]){ OK, ERR_UNAVAILABLE, OK }, 3);
    assert_string_equal(order, "ppflaea");
    assert_int_equal(n_noted, 1); /* for consumers of the log: once for all of a room */

    begin_appends(1);
    finish_appends((const enum err[]){ ERR_UNAVAILABLE }, 1);
    assert_int_equal(n_noted, 0);
}

static void chat_hears_of_what_the_outbox_did_not_take(void **state)
{
    (void)state;
    space = 1;
    begin_appends(2);
    finish_appends((const enum err[]){ OK, OK }, 2);
    assert_string_equal(order, "ppdflaa");
}

static void over_its_bound_nothing_is_begun(void **state)
{
    (void)state;
    struct message_draft draft = { .id = STR("an-id"), .body = STR("x") };

    begin_appends(COUNT(put));
    message_append(&laters[0].call, &draft, &laters[0]);
    assert_string_equal(order, "e");
}

static void what_the_committer_does_not_take_is_refused(void **state)
{
    (void)state;
    struct message_draft draft = { .id = STR("an-id"), .body = STR("x") };

    begin_appends(1);
    committer_has_space = false;
    message_append(&laters[0].call, &draft, &laters[0]);
    committer_has_space = true;
    assert_string_equal(order, "e");
    assert_int_equal(store.appends_open, 1);
}

int main(void)
{
    log_init("test", LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(publications_leave_before_the_answers),
        cmocka_unit_test(what_was_not_stored_is_not_published),
        cmocka_unit_test(chat_hears_of_what_the_outbox_did_not_take),
        cmocka_unit_test(over_its_bound_nothing_is_begun),
        cmocka_unit_test(what_the_committer_does_not_take_is_refused),
    };

    return cmocka_run_group_tests_name("append", tests, make_arena, drop_arena);
}
