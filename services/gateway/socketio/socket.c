/* socket.c - one connection to one namespace. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stdio.h>

#include "libshared/base/invariant.h"
#include "libshared/base/secret.h"
#include "services/gateway/socketio/sio_private.h"

struct sio_socket *sio_socket_create(struct sio_session *session, const struct sio_namespace *nsp)
{
    struct sio_socket *socket = mem_zero(sizeof *socket);

    secret_text(socket->sid, EIO_SID_CHARS);
    socket->state = SIO_PENDING;
    socket->refs = 1;
    socket->session = session;
    socket->nsp = nsp;
    socket->next = session->first;
    session->first = socket;
    CHECK_STEP(sio_session_check(session));
    return socket;
}

struct sio_socket *sio_socket_find(struct sio_session *session, struct str nsp)
{
    for (struct sio_socket *s = session->first; s != NULL; s = s->next)
        if (str_is(nsp, s->nsp->name)) return s;
    return NULL;
}

static void unlink_socket(struct sio_socket *socket)
{
    struct sio_socket **at = &socket->session->first;

    while (*at != socket) at = &(*at)->next;
    *at = socket->next;
}

static void count_open(struct sio *sio, const struct sio_namespace *nsp, int n)
{
    size_t i = 0;

    while (sio->nsp[i] != nsp) i++;
    metric_add(sio->open[i], n);
    sio->sockets += (size_t)n;
}

static void close_socket(struct sio_socket *socket)
{
    struct sio_session *session = socket->session;
    struct sio *sio = session->sio;

    if (socket->state == SIO_OPEN) count_open(sio, socket->nsp, -1);
    unlink_socket(socket);
    holding_give(eio_holding(session->eio), socket->held);
    socket->held = 0;
    socket->state = SIO_CLOSED;
    socket->session = NULL;
    CHECK_STEP(sio_session_check(session));
}

void sio_socket_end(struct sio_socket *socket, const char *reason)
{
    close_socket(socket);
    socket->nsp->disconnected(socket->nsp->arg, socket, reason);
    sio_socket_drop(socket);
}

static struct eio_packet *make_acceptance(const struct sio_socket *socket, const char *pid)
{
    char json[128];
    int n = pid == NULL ? snprintf(json, sizeof json, "{\"sid\":\"%s\"}", socket->sid)
                        : snprintf(json, sizeof json, "{\"sid\":\"%s\",\"pid\":\"%s\"}", socket->sid, pid);

    assert(n > 0 && (size_t)n < sizeof json);
    return sio_packet_make(SIO_CONNECT, sio_nsp(socket), -1, 0, str_of(json));
}

void sio_accept(struct sio_socket *socket)
{
    sio_accept_as(socket, NULL, NULL);
}

void sio_accept_as(struct sio_socket *socket, const char *sid, const char *pid)
{
    if (socket->state != SIO_PENDING) return;
    struct sio *sio = socket->session->sio;
    socket->state = SIO_OPEN;
    socket->session->refusals = 0;
    count_open(sio, socket->nsp, 1);
    if (sid != NULL) snprintf(socket->sid, sizeof socket->sid, "%s", sid);
    struct eio_packet *packet = make_acceptance(socket, pid);
    sio_session_send(socket->session, &packet, 1);
    eio_connected(socket->session->eio);
    CHECK_STEP(sio_session_check(socket->session));
}

/* message is one of our own constants: nothing in it needs escaping. */
static struct eio_packet *make_refusal(struct str nsp, const char *message, struct str data)
{
    struct buf json = BUF(16384);

    buf_printf(&json, "{\"message\":\"%s\"", message);
    if (data.len > 0) buf_printf(&json, ",\"data\":%.*s", STR_ARG(data));
    buf_add_char(&json, '}');
    struct eio_packet *packet = sio_packet_make(SIO_CONNECT_ERROR, nsp, -1, 0, buf_str(&json));
    buf_free(&json);
    return packet;
}

void sio_refuse(struct sio_socket *socket, const char *message, struct str data)
{
    if (socket->state != SIO_PENDING) return;
    struct sio_session *session = socket->session;
    struct eio_packet *packet = make_refusal(sio_nsp(socket), message, data);
    sio_session_send(session, &packet, 1);
    close_socket(socket);
    sio_socket_drop(socket);
    sio_refused(session);
}

void sio_count_refusal(struct sio_socket *socket)
{
    if (socket->session != NULL) sio_refused(socket->session);
}

int64_t sio_charge_connect(struct sio_socket *socket)
{
    return socket->session != NULL ? sio_session_charge_connect(socket->session) : 0;
}

void sio_disconnect(struct sio_socket *socket)
{
    if (socket->state != SIO_OPEN) return;
    struct eio_packet *packet = sio_packet_make(SIO_DISCONNECT, sio_nsp(socket), -1, 0, STR_NONE);
    sio_session_send(socket->session, &packet, 1);
    socket->session->ended |= sio_namespace_bit(socket->session->sio, socket->nsp);
    sio_socket_end(socket, "server namespace disconnect");
}

void sio_disconnect_session(struct sio_socket *socket)
{
    struct sio_session *session = socket->session;
    struct sio_socket *next;

    if (session == NULL) return;
    for (struct sio_socket *s = session->first; s != NULL; s = next) {
        next = s->next;
        sio_disconnect(s);
    }
    eio_close(session->eio, "forced server close");
}

void sio_hang_up(struct sio_socket *socket)
{
    struct sio_session *session = socket->session;

    if (session == NULL) return;
    sio_socket_end(socket, "forced close");
    eio_close(session->eio, "forced close");
}

struct sio_socket *sio_socket_take(struct sio_socket *socket)
{
    socket->refs++;
    return socket;
}

void sio_socket_drop(struct sio_socket *socket)
{
    assert(socket->refs > 0);
    if (--socket->refs == 0) mem_free(socket);
}

bool sio_is_open(const struct sio_socket *socket)
{
    return socket->state == SIO_OPEN && !socket->session->closing;
}

bool sio_is_pending(const struct sio_socket *socket)
{
    return socket->state == SIO_PENDING && !socket->session->closing;
}

const char *sio_sid(const struct sio_socket *socket)
{
    return socket->sid;
}

struct str sio_nsp(const struct sio_socket *socket)
{
    return str_of(socket->nsp->name);
}

struct str sio_address(const struct sio_socket *socket)
{
    return socket->session != NULL ? eio_address(socket->session->eio) : STR_NONE;
}

size_t sio_auth_bytes_max(const struct sio_socket *socket)
{
    return socket->session != NULL ? sio_auth_bytes(socket->session->sio) : 0;
}

bool sio_is_slow(const struct sio_socket *socket)
{
    return sio_is_open(socket) && eio_is_slow(socket->session->eio);
}

enum err sio_belongs(struct sio_socket *socket, struct str subject)
{
    return eio_belongs(socket->session->eio, subject);
}

enum err sio_hold(struct sio_socket *socket, size_t bytes)
{
    if (socket->session == NULL) return OK;
    TRY(holding_take(eio_holding(socket->session->eio), bytes));
    socket->held += bytes;
    CHECK_STEP(sio_session_check(socket->session));
    return OK;
}

void sio_hold_anyway(struct sio_socket *socket, size_t bytes)
{
    if (socket->session == NULL) return;
    holding_take_anyway(eio_holding(socket->session->eio), bytes);
    socket->held += bytes;
    CHECK_STEP(sio_session_check(socket->session));
}

/* What a socket held when it was closed was given back then. */
void sio_release(struct sio_socket *socket, size_t bytes)
{
    if (socket->session == NULL) return;
    assert(socket->held >= bytes);
    socket->held -= bytes;
    holding_give(eio_holding(socket->session->eio), bytes);
    CHECK_STEP(sio_session_check(socket->session));
}

void sio_set_user(struct sio_socket *socket, void *user)
{
    socket->user = user;
}

void *sio_user(const struct sio_socket *socket)
{
    return socket->user;
}

struct sio_socket *sio_sibling(struct sio_socket *socket, const char *nsp)
{
    if (socket->session == NULL) return NULL;
    struct sio_socket *other = sio_socket_find(socket->session, str_of(nsp));
    return other != NULL && sio_is_open(other) ? other : NULL;
}

struct sio_socket *sio_first_socket(const struct eio_session *eio)
{
    const struct sio_session *session = eio_user(eio);

    return session != NULL ? session->first : NULL;
}

struct sio_socket *sio_next_socket(const struct sio_socket *socket)
{
    return socket->next;
}

bool sio_is_of(const struct sio_socket *socket, const void *arg)
{
    return socket->nsp->arg == arg;
}

static void send_packets(struct sio_socket *socket, struct eio_packet *const *packets, unsigned n)
{
    sio_codec_of(socket->session)->send(socket->session->eio, packets, n);
}

static void send_with_offset(struct sio_socket *socket, struct eio_packet *const *packets, unsigned n)
{
    struct eio_packet *all[1 + SIO_MAX_ATTACHMENTS];

    all[0] = sio_packet_with(packets[0], socket->offsets->newest(socket->offsets->arg, packets, n));
    for (unsigned i = 1; i < n; i++) all[i] = packets[i];
    send_packets(socket, all, n);
    eio_packet_drop(all[0]);
}

static bool needs_offset(const struct sio_socket *socket, const struct eio_packet *packet)
{
    const struct sio_offsets *offsets = socket->offsets;

    return offsets != NULL && (offsets->every ? sio_packet_is_event(packet) : sio_packet_ends_in_string(packet));
}

void sio_send_parts(struct sio_socket *socket, struct eio_packet *const *packets, unsigned n)
{
    if (!sio_is_open(socket)) return;
    if (needs_offset(socket, packets[0]))
        send_with_offset(socket, packets, n);
    else
        send_packets(socket, packets, n);
}

void sio_set_offsets(struct sio_socket *socket, const struct sio_offsets *offsets)
{
    socket->offsets = offsets;
}

const struct sio_offsets *sio_offsets(const struct sio_socket *socket)
{
    return socket->offsets;
}

void sio_send_with_offset(struct sio_socket *socket, struct eio_packet *packet)
{
    if (sio_is_open(socket)) send_packets(socket, &packet, 1);
}

void sio_send_early(struct sio_socket *socket, struct eio_packet *const *packets, unsigned n)
{
    if (sio_is_pending(socket)) send_packets(socket, packets, n);
}

void sio_send(struct sio_socket *socket, struct eio_packet *packet)
{
    sio_send_parts(socket, &packet, 1);
}

/* A polling client between two polls has nothing waiting and takes one more: else it would miss most of them. */
void sio_send_volatile(struct sio_socket *socket, struct eio_packet *const *packets, unsigned n)
{
    if (!sio_is_open(socket)) return;
    struct eio_session *eio = socket->session->eio;
    if (eio_is_ready(eio) || eio_queued_bytes(eio) == 0) sio_send_parts(socket, packets, n);
}

/* A packet and its attachments are queued in one go: nothing may come between. */
static void send_parts(struct sio_socket *socket, struct eio_packet *packet, const struct str *parts, unsigned n)
{
    struct eio_packet *all[1 + SIO_MAX_ATTACHMENTS] = { packet };

    assert(n <= SIO_MAX_ATTACHMENTS);
    for (unsigned i = 0; i < n; i++) all[1 + i] = eio_packet_binary(parts[i]);
    sio_send_parts(socket, all, 1 + n);
    for (unsigned i = 0; i < 1 + n; i++) eio_packet_drop(all[i]);
}

void sio_emit(struct sio_socket *socket, const char *name, struct str args)
{
    send_parts(socket, sio_packet_event(sio_nsp(socket), name, args), NULL, 0);
}

void sio_emit_binary(struct sio_socket *socket, struct str array, const struct str *attachments, unsigned n)
{
    enum sio_type type = n > 0 ? SIO_BINARY_EVENT : SIO_EVENT;

    send_parts(socket, sio_packet_make(type, sio_nsp(socket), -1, n, array), attachments, n);
}

void sio_ack(struct sio_socket *socket, int64_t ack, struct str array, const struct str *attachments, unsigned n)
{
    enum sio_type type = n > 0 ? SIO_BINARY_ACK : SIO_ACK;

    assert(ack >= 0);
    send_parts(socket, sio_packet_make(type, sio_nsp(socket), ack, n, array), attachments, n);
}
