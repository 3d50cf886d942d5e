/*
 * held.c - while nothing may be obeyed yet, what clients say waits:
 *
 *      message --> held? --no--> taken
 *                    \-----yes--> kept, in its order --released--> taken
 *
 * Whatever its bytes came by: a WebSocket, a POST or another gateway.  What waits counts as what a session holds.
 */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <utlist.h>

#include "services/gateway/socketio/sio_private.h"

struct held_message {
    struct held_message *prev, *next;             /* of all */
    struct held_message *prev_of_it, *next_of_it; /* of its session */
    struct sio_session *session;
    bool binary;
    size_t bytes;
    char text[];
};

static size_t cost_of(size_t bytes)
{
    return sizeof(struct held_message) + bytes;
}

void sio_keep_message(struct sio_session *session, bool binary, struct str text)
{
    struct held_message *message;

    if (holding_take(eio_holding(session->eio), cost_of(text.len)) != OK) {
        sio_overflow(session);
        return;
    }
    message = mem_alloc(sizeof *message + text.len);
    message->session = session;
    message->binary = binary;
    message->bytes = text.len;
    memcpy(message->text, text.at, text.len);
    DL_APPEND(session->sio->held, message);
    DL_APPEND2(session->held, message, prev_of_it, next_of_it);
}

static void remove_message(struct held_message *message)
{
    struct sio_session *session = message->session;

    DL_DELETE(session->sio->held, message);
    DL_DELETE2(session->held, message, prev_of_it, next_of_it);
    holding_give(eio_holding(session->eio), cost_of(message->bytes));
}

void sio_drop_kept(struct sio_session *session)
{
    struct held_message *message;

    while ((message = session->held) != NULL) {
        remove_message(message);
        mem_free(message);
    }
}

/* A message may end its session, or another one, with all that these have waiting. */
void sio_hold_messages(struct sio *sio, bool hold)
{
    struct held_message *message;

    sio->is_held = hold;
    while (!sio->is_held && (message = sio->held) != NULL) {
        remove_message(message);
        if (!message->session->closing)
            sio_take_message(message->session, message->binary, (struct str){ message->text, message->bytes });
        mem_free(message);
    }
}
