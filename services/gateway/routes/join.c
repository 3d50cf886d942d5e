/* join.c - a socket enters a room, and leaves it. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <string.h>

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

static void answer_entered(void *arg)
{
    struct event_call *call = arg;
    struct room_entered answer = {
        .room = call->room, .name = str_of(call->name), .role = str_of(call->role), .seq = call->seq
    };

    event_call_answer_with(call, room_entered_shape(), &answer);
}

/* The answer is sent after the record is written, so that recovery finds every acknowledged join. */
static void stay_or_leave(struct event_call *call, enum err e)
{
    struct client *client = event_call_client(call);

    if (client == NULL) {
        event_call_end(call);
    } else if (e == OK && subscriber_is_in(client_subscriber(client), call->room)) {
        recovery_note(client, answer_entered, call);
    } else {
        subscriber_leave(client_subscriber(client), call->room);
        refuse_join(call, e == OK ? ERR_FORBIDDEN : e);
    }
}

static void on_role(void *arg, enum err status, struct str body)
{
    /* bound: the answer to one room */
    struct arena *arena = arena_create("join", 65536);
    struct room_roles found = { 0 };
    struct wire_error why;

    if (status == OK) status = wire_decode(room_roles_shape(), body, arena, &found, &why);
    if (status == OK && (found.roles.len != 1 || found.roles.at[0].role.len == 0)) status = ERR_FORBIDDEN;
    stay_or_leave(arg, status);
    arena_destroy(&arena);
}

/* Its membership may have ended after chat had answered and before chat was told that we listen to this room: nobody says
 * that a second time, so chat is asked again. */
static void on_joined(void *arg, enum err e, int64_t seq)
{
    struct event_call *call = arg;
    struct client *client = event_call_client(call);
    struct routes *routes = call->routes;

    call->seq = seq;
    if (e != OK) {
        refuse_join(call, e); /* it has no subscription, or loses it now */
        return;
    }
    if (client == NULL ||
        (call->membership_stamp != 0 && call->membership_stamp == rooms_membership_stamp(routes->rooms, call->room))) {
        stay_or_leave(call, OK);
        return;
    }
    struct roles_query query = { .subject = bearer_subject(client->rights.bearer), .rooms = { &call->room, 1 } };
    method_ask_for(routes->service[SERVICE_chat], M_room_roles, query.subject, &query, on_role, call);
}

bool join_is_allowed(const struct event_call *call, const struct client *client)
{
    char text[ID_TEXT_BYTES + 1];
    struct str room;

    id_format(call->room, text);
    room = str_of(text);
    return client_may(client, str_of(call->row->event), room, call->row->action) &&
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
        subscriber_join(client_subscriber(client), call->room, call->since, on_joined, call);
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
    /* bound: a room_entered has no lists */
    struct arena *arena = arena_create("join", 65536);
    enum err e = wire_decode(room_entered_shape(), body, arena, &answer, &why);
    if (e == OK) {
        keep_text(call->name, sizeof call->name, answer.name);
        keep_text(call->role, sizeof call->role, answer.role);
        restore_rooms(call);
    } else {
        refuse_join(call, ERR_INTERNAL);
    }
    arena_destroy(&arena);
}

static void answer_left(void *arg)
{
    event_call_answer(arg, nothing_shape(), STR("\x80"));
}

void leave_event(struct event_call *call, struct id room)
{
    struct client *client = event_call_client(call);

    if (subscriber_leave(client_subscriber(client), room))
        recovery_note(client, answer_left, call);
    else
        refuse_join(call, ERR_NOT_JOINED);
}
