/* join.c - a socket enters a room, and leaves it. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <string.h>

#include "services/gateway/routes/inside.h"

static void keep_text(char *to, size_t size, struct str from)
{
    assert(from.len < size);
    memcpy(to, from.at, from.len);
}

static void refuse(struct on_call *call, enum err e)
{
    struct failure failure = refusal_plain(e);

    on_call_refuse(call, &failure);
}

static void entered(void *arg)
{
    struct on_call *call = arg;
    struct room_entered answer = {
        .room = call->room, .name = str_of(call->name), .role = str_of(call->role), .seq = call->seq
    };

    on_call_answer_with(call, room_entered_shape(), &answer);
}

/* The answer is sent after the record is written, so that recovery finds every acknowledged join. */
static void stay_or_leave(struct on_call *call, enum err e)
{
    struct client *client = on_call_client(call);

    if (client == NULL) {
        on_call_end(call);
    } else if (e == OK && guest_sits(client_subscriber(client), call->room)) {
        recovery_note(client, entered, call);
    } else {
        guest_leave(client_subscriber(client), call->room);
        refuse(call, e == OK ? ERR_FORBIDDEN : e);
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
static void seated(void *arg, enum err e, int64_t seq)
{
    struct on_call *call = arg;
    struct client *client = on_call_client(call);
    struct routes *routes = call->routes;

    call->seq = seq;
    if (e != OK) {
        refuse(call, e); /* it has no seat, or loses it now */
        return;
    }
    if (client == NULL || (call->moment != 0 && call->moment == halls_moment(routes->halls, call->room))) {
        stay_or_leave(call, OK);
        return;
    }
    struct roles_query query = { .subject = bearer_subject(client->rights.bearer), .rooms = { &call->room, 1 } };
    method_ask_for(routes->service[SERVICE_chat], M_room_roles, query.subject, &query, on_role, call);
}

bool join_is_allowed(const struct on_call *call, const struct client *client)
{
    char text[ID_TEXT_BYTES + 1];
    struct str room;

    id_format(call->room, text);
    room = str_of(text);
    return client_may(client, str_of(call->row->event), room, call->row->action) &&
           (call->since < 0 || client_may(client, STR("message:list"), room, POLICY_HISTORY));
}

/* Rights may have changed while chat was asked. */
static void sit_down(struct on_call *call)
{
    struct client *client = on_call_client(call);

    if (client == NULL) {
        on_call_end(call);
    } else if (!join_is_allowed(call, client)) {
        refuse(call, ERR_FORBIDDEN);
    } else {
        guest_sit(client_subscriber(client), call->room, call->since, seated, call);
    }
}

void join_entered(void *arg, enum err status, struct str body)
{
    struct on_call *call = arg;
    struct room_entered answer = { 0 };
    struct wire_error why;

    if (status != OK) {
        on_call_failed(call, body);
        return;
    }
    /* bound: a room_entered has no lists */
    struct arena *arena = arena_create("join", 65536);
    enum err e = wire_decode(room_entered_shape(), body, arena, &answer, &why);
    if (e == OK) {
        keep_text(call->name, sizeof call->name, answer.name);
        keep_text(call->role, sizeof call->role, answer.role);
        sit_down(call);
    } else {
        refuse(call, ERR_INTERNAL);
    }
    arena_destroy(&arena);
}

static void left(void *arg)
{
    on_call_answer(arg, nothing_shape(), STR("\x80"));
}

void leave_event(struct on_call *call, struct id room)
{
    struct client *client = on_call_client(call);

    if (guest_leave(client_subscriber(client), room))
        recovery_note(client, left, call);
    else
        refuse(call, ERR_NOT_JOINED);
}
