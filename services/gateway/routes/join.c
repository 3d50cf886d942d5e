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

static void seated(void *arg, enum err e, int64_t seq)
{
    struct on_call *call = arg;
    struct buf body = BUF(4096);
    struct room_entered entered = {
        .room = call->room, .name = str_of(call->name), .role = str_of(call->role), .seq = seq
    };

    if (e == OK) e = wire_encode(room_entered_shape(), &entered, &body);
    if (e == OK) {
        on_call_answer(call, room_entered_shape(), buf_str(&body));
    } else {
        struct failure failure = refusal_plain(e);
        on_call_refuse(call, &failure);
    }
    buf_free(&body);
}

static bool may_hear(const struct client *client, struct id room, const struct on_row *row)
{
    char text[ID_TEXT_BYTES + 1];

    id_format(room, text);
    return client_may(client, str_of(row->event), str_of(text), row->action);
}

/* Rights may have changed while chat was asked. */
static void sit_down(struct on_call *call)
{
    struct client *client = on_call_client(call);

    if (client == NULL) {
        on_call_end(call);
    } else if (!may_hear(client, call->room, call->row)) {
        struct failure failure = refusal_plain(ERR_FORBIDDEN);
        on_call_refuse(call, &failure);
    } else {
        guest_sit(&client->guest, call->room, call->since, seated, call);
    }
}

void join_entered(void *arg, enum err status, struct str body)
{
    struct on_call *call = arg;
    struct room_entered entered = { 0 };
    struct wire_error why;

    if (status != OK) {
        on_call_failed(call, body);
        return;
    }
    struct arena *arena = arena_create("join", 65536);
    enum err e = wire_decode(room_entered_shape(), body, arena, &entered, &why);
    if (e == OK) {
        keep_text(call->name, sizeof call->name, entered.name);
        keep_text(call->role, sizeof call->role, entered.role);
        sit_down(call);
    } else {
        struct failure failure = refusal_plain(ERR_INTERNAL);
        on_call_refuse(call, &failure);
    }
    arena_destroy(&arena);
}

void leave_event(struct on_call *call, struct id room)
{
    struct client *client = on_call_client(call);
    struct failure failure = refusal_plain(ERR_NOT_JOINED);

    if (guest_leave(&client->guest, room))
        on_call_answer(call, nothing_shape(), STR("\x80"));
    else
        on_call_refuse(call, &failure);
}
