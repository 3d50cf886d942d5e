/* typing.c - ephemeral events on their way to a room's listeners, and who does not see whom type. */
// SPDX-License-Identifier: Apache-2.0
#include "services/chat/typing/typing.h"

#include <string.h>

#include "libshared/base/table.h"
#include "services/chat/chat.h"

/* An event that waits until it is known who shall not hear it, or behind one that does. */
struct carried {
    struct carried *next;
    struct typing_line *line;
    struct call *call;
    struct relay relay;
    relay_carried_fn *done;
    void *arg;
    bool is_ready;
    enum err e; /* once it is ready */
};

/* What one subject has sent, in its order. */
struct typing_line {
    UT_hash_handle hh;
    struct carried *first, **last;
    char subject[];
};

struct typing {
    struct typing_line *lines;
};

struct typing *typing_create(void)
{
    return mem_zero(sizeof(struct typing));
}

static void remove_line(struct typing *typing, struct typing_line *line)
{
    HASH_DEL(typing->lines, line);
    mem_free(line);
}

void typing_destroy(struct typing **typing)
{
    struct typing_line *line, *next;

    if (*typing == NULL) return;
    HASH_ITER(hh, (*typing)->lines, line, next) remove_line(*typing, line);
    mem_free(*typing);
    *typing = NULL;
}

static bool is_typing(struct str event)
{
    return str_is(event, "typing") || str_starts(event, STR("typing:"));
}

/* Who is hidden from more than can be named types for nobody. */
static void pass_on(struct call *call, const struct relay *relay)
{
    const struct chat *chat = call->context;

    if (relay->hidden_from.len <= HIDDEN_MAX) feeds_relay(chat->feeds, call->server, relay);
}

/* --- what waits --- */

static void send_ready(struct typing *typing, struct typing_line *line)
{
    struct carried *carried;

    while ((carried = line->first) != NULL && carried->is_ready) {
        line->first = carried->next;
        if (carried->e == OK) pass_on(carried->call, &carried->relay);
        carried->done(carried->arg, carried->e); /* it goes with its call's arena */
    }
    if (line->first == NULL) remove_line(typing, line);
}

static struct typing_line *add_line(struct typing *typing, struct str subject)
{
    struct typing_line *line = mem_zero(sizeof *line + subject.len);

    memcpy(line->subject, subject.at, subject.len);
    line->last = &line->first;
    HASH_ADD_KEYPTR(hh, typing->lines, line->subject, subject.len, line);
    return line;
}

static enum err read_hidden(struct pg *pg, struct arena *arena, void *arg)
{
    struct carried *carried = arg;
    struct call *call = carried->call;

    (void)arena;
    return presence_read_hidden(pg, call->arena, call->who->sub, &carried->relay.hidden_from);
}

static void on_hidden(void *arg, enum err e)
{
    struct carried *carried = arg;

    carried->is_ready = true;
    carried->e = e;
    if (carried == carried->line->first) send_ready(((struct chat *)carried->call->context)->typing, carried->line);
}

static void wait_in(struct typing_line *line, struct carried *carried)
{
    struct call *call = carried->call;

    carried->line = line;
    *line->last = carried;
    line->last = &carried->next;
    carried->is_ready = !is_typing(carried->relay.event);
    if (!carried->is_ready && !rpc_server_work(call->server, call->who->sub, read_hidden, on_hidden, carried))
        on_hidden(carried, ERR_OVERLOADED);
}

void relay_carry(struct call *call, const struct relay *relay, relay_carried_fn *done, void *arg)
{
    struct chat *chat = call->context;
    struct str subject = call->who->sub;
    struct relay now = *relay;
    struct typing_line *line;

    HASH_FIND(hh, chat->typing->lines, subject.at, subject.len, line);
    if (line == NULL && (!is_typing(relay->event) || presence_hides(chat, subject, &now.hidden_from))) {
        pass_on(call, &now);
        done(arg, OK);
        return;
    }
    struct carried *carried = arena_zero(call->arena, sizeof *carried);
    *carried = (struct carried){ .call = call, .relay = *relay, .done = done, .arg = arg };
    wait_in(line != NULL ? line : add_line(chat->typing, subject), carried);
}
