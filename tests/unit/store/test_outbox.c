/* test_outbox.c - publications leave in the order of seq, one at a time per room, until chat has acknowledged them. */
// SPDX-License-Identifier: Apache-2.0
#include <ev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>

#include "libshared/base/log.h"
#include "libshared/base/metrics.h"
#include "libshared/wire/records.h"
#include "libshared/wire/records.h"
#include "services/store/outbox.h"
#include "tests/unit/captured_log.h"

struct sent_run {
    void *token;
    int64_t first, last;
};

static struct sent_run sent[100];
static size_t n_sent;
static struct buf first_sent = { .max = 4096 }; /* of the last publication, as it goes over the wire */

static void send(void *arg, const struct publication *p, void *token)
{
    (void)arg;
    buf_clear(&first_sent);
    assert_int_equal(wire_encode(message_shape(), &p->messages.at[0], &first_sent), OK);
    sent[n_sent++] = (struct sent_run){ token, p->messages.at[0].seq, p->messages.at[p->messages.len - 1].seq };
}

static struct outbox *open_outbox(size_t bound)
{
    n_sent = 0;
    return outbox_create(ev_default_loop(0), bound, send, NULL);
}

/* How many were taken. */
static int64_t put(struct outbox *outbox, struct id room, int64_t from, int64_t to)
{
    int64_t n = 0;

    for (int64_t seq = from; seq <= to; seq++)
        n += outbox_put(outbox,
            &(struct message){ .room = room, .seq = seq, .id = STR("id"), .sender = STR("ann"), .body = STR("hi") });
    outbox_flush(outbox);
    return n;
}

static void assert_sent(size_t i, int64_t first, int64_t last)
{
    assert_true(i < n_sent);
    assert_int_equal(sent[i].first, first);
    assert_int_equal(sent[i].last, last);
}

static void one_is_under_way_per_room_and_the_rest_follows(void **state)
{
    struct outbox *outbox = open_outbox(1 << 20);
    struct id room = id_new();

    (void)state;
    put(outbox, room, 1, 2);
    put(outbox, room, 3, 3);
    put(outbox, room, 4, 5);
    assert_int_equal(n_sent, 1);
    put(outbox, id_new(), 9, 9);
    assert_int_equal(n_sent, 2);
    outbox_sent(outbox, sent[0].token, true);
    assert_sent(2, 3, 5);
    outbox_sent(outbox, sent[2].token, true);
    assert_int_equal(n_sent, 3);
    assert_int_equal(outbox_waiting(outbox), 1);
    outbox_destroy(&outbox);
}

/* A repeat's words are those of its batch, which is gone when the room's turn comes. */
static void what_waits_is_whole_when_its_words_have_gone(void **state)
{
    struct outbox *outbox = open_outbox(1 << 20);
    struct buf whole = BUF(4096);
    char words[6][8] = { "an-id", "ann", "a body", "\xa4meta", "edit" };
    struct id shown = id_new();
    struct message m = { .room = id_new(),
        .seq = 2,
        .id = str_of(words[0]),
        .sender = str_of(words[1]),
        .body = str_of(words[2]),
        .meta = str_of(words[3]),
        .at = 5,
        .kind = str_of(words[4]),
        .target = 1,
        .target_at = 3,
        .thread = 1,
        .attachments = { &shown, 1 },
        .hidden_at = 4 };

    (void)state;
    put(outbox, m.room, 1, 1);
    assert_true(outbox_put(outbox, &m));
    assert_int_equal(wire_encode(message_shape(), &m, &whole), OK);
    memset(words, 'x', sizeof words);
    memset(&shown, 'x', sizeof shown);
    outbox_sent(outbox, sent[0].token, true);
    assert_sent(1, 2, 2);
    assert_true(str_eq(buf_str(&first_sent), buf_str(&whole)));
    buf_free(&whole);
    outbox_destroy(&outbox);
}

static void what_was_not_acknowledged_goes_again_first(void **state)
{
    struct outbox *outbox = open_outbox(1 << 20);
    struct id room = id_new();

    (void)state;
    put(outbox, room, 1, 2);
    put(outbox, room, 3, 3);
    outbox_sent(outbox, sent[0].token, false);
    while (n_sent < 2) ev_run(ev_default_loop(0), EVRUN_ONCE);
    assert_sent(1, 1, 3);
    outbox_sent(outbox, sent[1].token, true);
    assert_int_equal(outbox_waiting(outbox), 0);
    outbox_destroy(&outbox);
}

static void a_publication_has_no_gap(void **state)
{
    struct outbox *outbox = open_outbox(1 << 20);
    struct id room = id_new();

    (void)state;
    put(outbox, room, 1, 1);
    put(outbox, room, 5, 6);
    put(outbox, room, 8, 8);
    put(outbox, room, 2, 2); /* a repeat */
    outbox_sent(outbox, sent[0].token, true);
    assert_sent(1, 5, 6);
    outbox_sent(outbox, sent[1].token, true);
    assert_sent(2, 8, 8);
    outbox_sent(outbox, sent[2].token, true);
    assert_sent(3, 2, 2);
    outbox_destroy(&outbox);
}

static void over_the_bound_the_newest_stays(void **state)
{
    struct outbox *outbox = open_outbox(2000);
    struct id room = id_new();

    (void)state;
    put(outbox, room, 1, 1);
    assert_int_equal(put(outbox, room, 2, 200), 199); /* the newest shows what is missing */
    assert_true(outbox_waiting(outbox) < 20);
    outbox_sent(outbox, sent[0].token, true);
    assert_int_equal(sent[1].last, 200);
    outbox_destroy(&outbox);
}

static void fill_and_empty(void)
{
    struct outbox *outbox = open_outbox(2000);
    struct id room = id_new();

    for (int round = 0; round < 2; round++) {
        n_sent = 0;
        put(outbox, room, 1 + round * 1000, 200 + round * 1000);
        for (size_t i = 0; outbox_waiting(outbox) > 0; i++) outbox_sent(outbox, sent[i].token, true);
    }
    outbox_destroy(&outbox);
}

static void the_log_has_the_beginning_and_the_end_of_a_full_outbox(void **state)
{
    struct metric *metric = metric_counter("madang_store_publications_dropped_total", NULL, "");
    int64_t before = metric_value(metric), dropped = 0;

    (void)state;
    log_init("test", LOG_INFO);
    const char *log = captured_log(fill_and_empty);
    log_init("test", LOG_ERROR);
    assert_int_equal(count_lines(log), 4);
    for (const char *at = strstr(log, "outbox.has_space"); at != NULL; at = strstr(at + 1, "outbox.has_space"))
        dropped += atoi(strstr(at, "\"dropped\":") + 10);
    assert_int_equal(dropped, metric_value(metric) - before);
    assert_true(dropped > 300);
}

static void many_rooms_are_bounded_too(void **state)
{
    struct outbox *outbox = open_outbox(2000);
    int64_t taken = 0;

    (void)state;
    for (int64_t i = 0; i < 90; i++) taken += put(outbox, id_new(), 1, 1);
    assert_in_range(outbox_waiting(outbox), 1, 40);
    assert_int_equal(taken, outbox_waiting(outbox));
    outbox_destroy(&outbox);
}

int main(void)
{
    log_init("test", LOG_ERROR);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_is_under_way_per_room_and_the_rest_follows),
        cmocka_unit_test(what_waits_is_whole_when_its_words_have_gone),
        cmocka_unit_test(what_was_not_acknowledged_goes_again_first),
        cmocka_unit_test(a_publication_has_no_gap),
        cmocka_unit_test(over_the_bound_the_newest_stays),
        cmocka_unit_test(the_log_has_the_beginning_and_the_end_of_a_full_outbox),
        cmocka_unit_test(many_rooms_are_bounded_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
