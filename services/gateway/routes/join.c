/* join.c - a socket enters a room, and leaves it; and hears who is there. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <string.h>

#include "libshared/rpc/room_rights.h"
#include "services/gateway/presence/presence.h"
#include "services/gateway/routes/routes_private.h"

static void keep_text(char *to, size_t size, struct str from)
{
    assert(from.len < size);
    memcpy(to, from.at, from.len);
}

static void refuse_join(struct event_call *call, enum err e)
{
    struct failure failure = refusal_plain(e);

    event_call_refuse(call, &failure);
}

static void refuse_over(struct event_call *call, const struct rate_state *over)
{
    struct failure failure = refusal_over(over);

    event_call_refuse(call, &failure);
}

static struct str_list can_of(uint32_t rights, struct str names[MAY_COUNT])
{
    struct str_list can = { names, 0 };

    for (size_t i = 0; i < MAY_COUNT; i++)
        if (rights >> i & 1) names[can.len++] = str_of(room_right_name((enum room_right)i));
    return can;
}

static uint32_t rights_of(struct str_list can)
{
    uint32_t rights = 0;

    for (size_t n = 0; n < can.len; n++)
        for (size_t i = 0; i < MAY_COUNT; i++)
            if (str_is(can.at[n], room_right_name((enum room_right)i))) rights |= UINT32_C(1) << i;
    return rights;
}

static void answer_entered(void *arg)
{
    struct event_call *call = arg;
    struct str names[MAY_COUNT];
    struct room_entered answer = { .room = call->room,
        .name = str_of(call->name),
        .role = str_of(call->role),
        .can = can_of(call->can, names),
        .seq = call->at.seq,
        .reads_after = call->membership.reads_after,
        .first = call->at.first };

    event_call_answer_with(call, room_entered_shape(), &answer);
}

/* The answer is sent after the record is written, so that recovery finds every acknowledged join. */
static void on_joined(void *arg, enum err e, struct joined_at at, const struct rate_state *over)
{
    struct event_call *call = arg;
    struct client *client = event_call_client(call);

    call->at = at;
    if (over != NULL)
        refuse_over(call, over);
    else if (e != OK)
        refuse_join(call, e); /* it has no subscription, or loses it now */
    else if (client != NULL)
        recovery_note(client, answer_entered, call);
    else
        event_call_end(call);
}

bool join_is_allowed(const struct event_call *call, const struct client *client)
{
    char text[ID_TEXT_BYTES + 1];
    struct str room;

    id_format(call->room, text);
    room = str_of(text);
    return client_may(client, call->row->event, room, call->row->action) &&
           (call->since < 0 || client_may(client, STR("message:list"), room, POLICY_HISTORY));
}

/* Rights may have changed while chat was asked. */
static void restore_rooms(struct event_call *call)
{
    struct client *client = event_call_client(call);

    if (client == NULL) {
        event_call_end(call);
    } else if (!join_is_allowed(call, client)) {
        refuse_join(call, ERR_FORBIDDEN);
    } else {
        subscriber_join(client_subscriber(client), call->room, call->membership, call->since, on_joined, call);
    }
}

void join_entered(void *arg, enum err status, struct str body)
{
    struct event_call *call = arg;
    struct room_entered answer = { 0 };
    struct wire_error why;

    if (status != OK) {
        event_call_failed(call, body);
        return;
    }
    /* bound: a room_entered has one list of a few names */
    struct arena *arena = arena_create("join", 65536);
    enum err e = wire_decode(room_entered_shape(), body, arena, &answer, &why);
    if (e == OK) {
        keep_text(call->name, sizeof call->name, answer.name);
        keep_text(call->role, sizeof call->role, answer.role);
        call->can = rights_of(answer.can);
        call->membership.reads_after = answer.reads_after;
        restore_rooms(call);
    } else {
        refuse_join(call, ERR_INTERNAL);
    }
    arena_destroy(&arena);
}

static void answer_done(void *arg)
{
    event_call_answer(arg, nothing_shape(), STR("\x80"));
}

void leave_event(struct event_call *call, struct id room)
{
    struct client *client = event_call_client(call);

    if (subscriber_leave(client_subscriber(client), room))
        recovery_note(client, answer_done, call);
    else
        refuse_join(call, ERR_NOT_JOINED);
}

void watch_event(struct event_call *call, struct id room)
{
    struct client *client = event_call_client(call);
    bool begins = call->row->effect == EFFECT_WATCH;
    enum err e = begins ? presence_watch(client, room) : presence_unwatch(client, room);

    if (e == OK)
        answer_done(call);
    else
        refuse_join(call, e);
}
