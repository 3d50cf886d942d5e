/* echo.c - what the official protocol suites talk to. */
// SPDX-License-Identifier: Apache-2.0
#include "tests/echo/echo_private.h"

static void give_back(struct sio_socket *socket, const struct sio_event *event, size_t max)
{
    struct buf array = BUF(max);

    buf_add_str(&array, STR("[\"message-back\""));
    if (event->args.len > 0) buf_add_char(&array, ',');
    buf_add_str(&array, event->args);
    buf_add_char(&array, ']');
    sio_emit_binary(socket, buf_str(&array), event->attachments, event->n_attachments);
    buf_free(&array);
}

static void acknowledge_event(struct sio_socket *socket, const struct sio_event *event, size_t max)
{
    struct buf array = BUF(max);

    buf_add_char(&array, '[');
    buf_add_str(&array, event->args);
    buf_add_char(&array, ']');
    sio_ack(socket, event->ack, buf_str(&array), event->attachments, event->n_attachments);
    buf_free(&array);
}

static bool answer_event(void *object, struct client *client, const struct sio_event *event)
{
    size_t max = event->array.len + 32;

    (void)object;
    if (str_is(event->name, "message"))
        give_back(client->socket, event, max);
    else if (str_is(event->name, "message-with-ack") && event->ack >= 0)
        acknowledge_event(client->socket, event, max);
    return true;
}

static void welcome_client(void *object, struct client *client, const struct arrival *arrival)
{
    (void)object;
    sio_emit(client->socket, "auth", arrival->auth.len > 0 ? arrival->auth : STR("{}"));
}

const struct client_feature echo_feature = { .open = welcome_client, .event = answer_event };

/* --- plain Engine.IO --- */

static void *raw_opened(void *arg, struct eio_session *session, struct http *http)
{
    (void)arg, (void)http;
    eio_connected(session); /* there are no namespaces to wait for */
    return session;
}

static void raw_message(void *user, struct eio_session *session, bool binary, struct str bytes)
{
    struct eio_packet *packet = binary ? eio_packet_binary(bytes) : eio_packet_text(bytes);

    (void)user;
    eio_send(session, packet);
    eio_packet_drop(packet);
}

static void raw_drained(void *user, struct eio_session *session)
{
    (void)user, (void)session;
}

static void raw_closed(void *user, struct eio_session *session, const char *reason)
{
    (void)user, (void)session, (void)reason;
}

struct eio_upper echo_upper(void)
{
    return (
        struct eio_upper){ .opened = raw_opened, .message = raw_message, .drained = raw_drained, .closed = raw_closed };
}
