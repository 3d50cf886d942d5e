/* sio.c - Engine.IO messages become Socket.IO packets, and find their socket. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <inttypes.h>

#include "libshared/base/invariant.h"
#include "libshared/base/log.h"
#include "services/gateway/socketio/sio_private.h"

struct sio *sio_create(const struct sio_config *config)
{
    struct sio *sio = mem_zero(sizeof *sio);

    sio->config = *config;
    /* bound: max_payload, of which a packet is a part */
    sio->scratch = arena_create("sio.scratch", (size_t)config->max_payload * 2 + 65536);
    sio->events = metric_counter("madang_socketio_events_total", NULL, "Events that clients sent");
    sio->violations =
        metric_counter("madang_socketio_violations_total", NULL, "Sessions ended for breaking the protocol");
    sio->limited = metric_counter("madang_socketio_limited_total", NULL, "CONNECTs refused because of their rate");
    return sio;
}

void sio_destroy(struct sio **sio)
{
    if (*sio == NULL) return;
    arena_destroy(&(*sio)->scratch);
    mem_free(*sio);
    *sio = NULL;
}

void sio_add(struct sio *sio, const struct sio_namespace *nsp)
{
    struct buf label = BUF(2200);

    assert(sio->n < SIO_NAMESPACES_MAX);
    metric_label("namespace", str_of(nsp->name), &label);
    sio->open[sio->n] = metric_gauge("madang_socketio_sockets", label.at, "Open connections to namespaces");
    buf_free(&label);
    sio->nsp[sio->n++] = nsp;
}

size_t sio_sockets(const struct sio *sio)
{
    return sio->sockets;
}

static const struct sio_namespace *find_namespace(const struct sio *sio, struct str name)
{
    for (size_t i = 0; i < sio->n; i++)
        if (str_is(name, sio->nsp[i]->name)) return sio->nsp[i];
    return NULL;
}

/* Before there is a socket.  Of those that come too often the log hears of the first. */
static void refuse_connect(struct sio_session *session, struct str nsp, enum err e, struct str json)
{
    struct eio_packet *packet = sio_packet_make(SIO_CONNECT_ERROR, nsp, -1, 0, json);

    if (e != ERR_RATE_LIMITED || session->refusals == 0)
        LOG_BOUNDED(INFO, "gateway.connect", F_STR("namespace", nsp), F_STR("address", eio_address(session->eio)),
            F_TEXT("code", err_code(e)));
    sio_session_send(session, &packet, 1);
    sio_refused(session);
}

static void refuse_for_rate(struct sio_session *session, struct str nsp, int64_t wait_ms)
{
    struct buf json = BUF(300);

    metric_add(session->sio->limited, 1);
    buf_printf(&json, "{\"message\":\"%s\",\"data\":{\"code\":\"%s\",\"retry_after_ms\":%" PRId64 "}}",
        err_text(ERR_RATE_LIMITED), err_code(ERR_RATE_LIMITED), wait_ms);
    refuse_connect(session, nsp, ERR_RATE_LIMITED, buf_str(&json));
    buf_free(&json);
}

size_t sio_auth_bytes(const struct sio *sio)
{
    return (12u << 10) + (size_t)sio->config.rooms_max * 24;
}

static void refuse_too_large(struct sio_session *session, struct str nsp)
{
    struct buf json = BUF(300);

    buf_printf(
        &json, "{\"message\":\"%s\",\"data\":{\"code\":\"%s\"}}", err_text(ERR_TOO_LARGE), err_code(ERR_TOO_LARGE));
    refuse_connect(session, nsp, ERR_TOO_LARGE, buf_str(&json));
    buf_free(&json);
}

/* Before its JSON is looked at: its sender is not known yet. */
bool sio_refuses_large_connect(struct sio_session *session, struct str text)
{
    struct sio_packet packet;

    if (text.len <= sio_auth_bytes(session->sio) || text.at[0] != '0' + SIO_CONNECT) return false;
    if (!sio_packet_split(text, &packet) || sio_socket_find(session, packet.nsp) != NULL)
        sio_violation(session);
    else
        refuse_too_large(session, packet.nsp);
    return true;
}

static void refuse_for_json(struct sio_session *session, struct str nsp, struct str why)
{
    struct buf json = BUF(1000);

    buf_printf(
        &json, "{\"message\":\"%.*s\",\"data\":{\"code\":\"%s\"}}", STR_ARG(why), err_code(ERR_INVALID_ARGUMENT));
    refuse_connect(session, nsp, ERR_INVALID_ARGUMENT, buf_str(&json));
    buf_free(&json);
}

static void on_connect(struct sio_session *session, const struct sio_packet *packet)
{
    const struct sio_namespace *nsp = find_namespace(session->sio, packet->nsp);
    int64_t wait_ms = sio_session_charge_connect(session);

    if (wait_ms > 0) {
        refuse_for_rate(session, packet->nsp, wait_ms);
        return;
    }
    if (packet->refused.at != NULL) {
        refuse_for_json(session, packet->nsp, packet->refused);
        return;
    }
    if (nsp == NULL) {
        refuse_connect(session, packet->nsp, ERR_NO_NAMESPACE, STR("{\"message\":\"Invalid namespace\"}"));
        return;
    }
    session->ended &= ~sio_namespace_bit(session->sio, nsp);
    nsp->connect(nsp->arg, sio_socket_create(session, nsp), packet->json.len > 0 ? packet->json : STR_NONE);
}

static void give_event(struct sio_socket *socket, const struct sio_packet *packet, const struct str *parts)
{
    metric_add(socket->session->sio->events, 1);
    if (packet->refused.at != NULL) {
        if (socket->nsp->refused != NULL) socket->nsp->refused(socket->nsp->arg, socket, packet->id, packet->refused);
        return;
    }
    socket->nsp->event(socket->nsp->arg, socket,
        &(struct sio_event){ .name = packet->name,
            .array = packet->json,
            .args = packet->args,
            .first = packet->first,
            .attachments = parts,
            .n_attachments = packet->attachments,
            .ack = packet->id });
}

/* A whole packet.  We ask for no acknowledgements, so an ACK answers nothing: it is ignored. */
void sio_take_packet(struct sio_session *session, const struct sio_packet *packet, const struct str *parts)
{
    struct sio_socket *socket = sio_socket_find(session, packet->nsp);

    if (packet->type == SIO_CONNECT)
        on_connect(session, packet);
    else if (packet->type == SIO_DISCONNECT)
        sio_socket_end(socket, "client namespace disconnect");
    else if (packet->type == SIO_EVENT || packet->type == SIO_BINARY_EVENT)
        give_event(socket, packet, parts);
}

/* Only CONNECT is for a namespace that is not connected, and for no other. */
enum sio_turn sio_turn(struct sio_session *session, const struct sio_packet *packet)
{
    struct sio_socket *socket = sio_socket_find(session, packet->nsp);

    if (packet->type == SIO_CONNECT) return socket == NULL ? SIO_IN_TURN : SIO_OUT_OF_TURN;
    if (socket != NULL && socket->state == SIO_OPEN) return SIO_IN_TURN;
    const struct sio_namespace *nsp = find_namespace(session->sio, packet->nsp);
    if (nsp != NULL && (session->ended & sio_namespace_bit(session->sio, nsp)) != 0) return SIO_TOO_LATE;
    return SIO_OUT_OF_TURN;
}

static struct sio_session *open_session(struct sio *sio, struct eio_session *eio, bool msgpack)
{
    struct sio_session *session = mem_zero(sizeof *session);

    session->sio = sio;
    session->eio = eio;
    session->msgpack = msgpack;
    return session;
}

static void *on_opened(void *arg, struct eio_session *eio, struct http *http)
{
    (void)http;
    return open_session(arg, eio, false);
}

static void *opened_msgpack(void *arg, struct eio_session *eio, struct http *http)
{
    (void)http;
    return open_session(arg, eio, true);
}

void sio_take_message(struct sio_session *session, bool binary, struct str bytes)
{
    struct arena *scratch = session->sio->scratch;

    sio_codec_of(session)->message(session, binary, bytes);
    CHECK_STEP(sio_session_check(session));
    arena_reset(scratch);
}

static void on_message(void *user, struct eio_session *eio, bool binary, struct str bytes)
{
    struct sio_session *session = user;

    (void)eio;
    if (session->closing) return;
    if (session->sio->is_held)
        sio_keep_message(session, binary, bytes);
    else
        sio_take_message(session, binary, bytes);
}

static bool on_address(void *user, struct eio_session *eio, struct str address)
{
    const struct sio_session *session = user;

    (void)eio;
    for (struct sio_socket *s = session->first; s != NULL; s = s->next)
        if (s->nsp->admits != NULL && !s->nsp->admits(s->nsp->arg, s, address)) return false;
    return true;
}

static void on_drained(void *user, struct eio_session *eio)
{
    struct sio_session *session = user;
    struct sio_socket *next;

    (void)eio;
    for (struct sio_socket *s = session->first; s != NULL; s = next) {
        next = s->next;
        if (sio_is_open(s) && s->nsp->drained != NULL) s->nsp->drained(s->nsp->arg, s);
    }
}

static void on_closed(void *user, struct eio_session *eio, const char *reason)
{
    struct sio_session *session = user;

    (void)eio;
    session->closing = true;
    sio_drop_kept(session);
    while (session->first != NULL) sio_socket_end(session->first, reason);
    sio_assembly_destroy(&session->pending);
    mem_free(session);
}

struct eio_upper sio_upper(struct sio *sio)
{
    return (struct eio_upper){ .arg = sio,
        .opened = on_opened,
        .message = on_message,
        .admits = on_address,
        .drained = on_drained,
        .closed = on_closed };
}

struct eio_upper sio_msgpack_upper(struct sio *sio)
{
    struct eio_upper upper = sio_upper(sio);

    upper.opened = opened_msgpack;
    return upper;
}
