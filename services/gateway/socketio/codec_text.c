/* codec_text.c - packets as text, attachments behind them. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/socketio/sio_private.h"

/* Four of the largest messages: a packet may be large, or have attachments, not ten of the largest. */
#define ASSEMBLY_PAYLOADS 4

static void begin_assembly(struct sio_session *session, struct str text)
{
    size_t most = (size_t)session->sio->config.max_payload * ASSEMBLY_PAYLOADS;

    session->pending = sio_assembly_create(text, most, eio_holding(session->eio));
    if (session->pending == NULL) sio_overflow(session);
}

static void on_text(struct sio_session *session, struct str text)
{
    struct sio_packet packet;

    if (session->pending == NULL && sio_refuses_large_connect(session, text)) return;
    if (session->pending != NULL || !sio_packet_read(text, session->sio->scratch, &packet)) {
        sio_violation(session);
        return;
    }
    enum sio_turn turn = sio_turn(session, &packet);
    if (turn == SIO_OUT_OF_TURN)
        sio_violation(session);
    else if (packet.attachments > 0)
        begin_assembly(session, text);
    else if (turn == SIO_IN_TURN)
        sio_take_packet(session, &packet, NULL);
}

static void on_binary(struct sio_session *session, struct str bytes)
{
    struct sio_assembly *whole = session->pending;

    if (whole == NULL || !sio_assembly_may_add(whole, bytes.len)) {
        sio_violation(session);
        return;
    }
    if (!sio_assembly_add(whole, bytes)) {
        sio_overflow(session);
        return;
    }
    if (!sio_assembly_is_whole(whole)) return;
    session->pending = NULL;
    if (sio_turn(session, &whole->packet) == SIO_IN_TURN) /* else too late */
        sio_take_packet(session, &whole->packet, whole->parts);
    sio_assembly_destroy(&whole);
}

static void on_message(struct sio_session *session, bool binary, struct str bytes)
{
    if (binary)
        on_binary(session, bytes);
    else
        on_text(session, bytes);
}

static void send_packets(struct eio_session *eio, struct eio_packet *const *packets, unsigned n)
{
    for (unsigned i = 0; i < n; i++) eio_send(eio, packets[i]);
}

const struct sio_codec sio_text_codec = { .message = on_message, .send = send_packets };
