/* echo.c - what the official protocol suites talk to. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/socketio/echo.h"

void echo_welcome(struct sio_socket *socket, struct str auth)
{
    sio_emit(socket, "auth", auth.len > 0 ? auth : STR("{}"));
}

static void echo_connect(void *arg, struct sio_socket *socket, struct str auth)
{
    (void)arg;
    sio_accept(socket);
    echo_welcome(socket, auth);
}

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

void echo_event(void *arg, struct sio_socket *socket, const struct sio_event *event)
{
    size_t max = event->array.len + 32;

    (void)arg;
    if (str_is(event->name, "message"))
        give_back(socket, event, max);
    else if (str_is(event->name, "message-with-ack") && event->ack >= 0)
        acknowledge_event(socket, event, max);
}

static void echo_disconnected(void *arg, struct sio_socket *socket, const char *reason)
{
    (void)arg, (void)socket, (void)reason;
}

struct sio_namespace echo_namespace(const char *name)
{
    return (struct sio_namespace){
        .name = name, .connect = echo_connect, .event = echo_event, .disconnected = echo_disconnected
    };
}

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
