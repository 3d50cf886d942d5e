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

/* Who is told that it sits here, finds that so when its connection is taken up again. */
static void seated(void *arg, enum err e, int64_t seq)
{
    struct on_call *call = arg;
    struct client *client = on_call_client(call);

    call->seq = seq;
    if (e != OK)
        refuse(call, e);
    else if (client == NULL)
        on_call_end(call);
    else
        recovery_note(client, entered, call);
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
        guest_sit(&client->guest, call->room, call->since, seated, call);
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

    if (guest_leave(&client->guest, room))
        recovery_note(client, left, call);
    else
        refuse(call, ERR_NOT_JOINED);
}
