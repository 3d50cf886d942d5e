/* sio_session.c - what all sockets of a session share: what is sent, refused, ended, and against the protocol. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "libshared/base/holding.h"
#include "services/gateway/socketio/sio_private.h"

void sio_session_check(const struct sio_session *session)
{
    uint64_t seen = 0;
    size_t held = 0, n_open = 0;

    for (const struct sio_socket *s = session->first; s != NULL; s = s->next) {
        uint64_t bit = sio_namespace_bit(session->sio, s->nsp);
        assert(s->session == session && s->refs > 0 && s->state != SIO_CLOSED);
        assert(bit != 0 && (seen & bit) == 0); /* one in each namespace */
        seen |= bit;
        held += s->held;
        n_open += s->state == SIO_OPEN;
    }
    assert((session->ended & seen) == 0); /* it is connected again */
    assert(n_open <= session->sio->sockets && held <= holding_bytes(eio_holding(session->eio)));
}

const struct sio_codec *sio_codec_of(const struct sio_session *session)
{
    return session->msgpack ? &sio_msgpack_codec : &sio_text_codec;
}

void sio_session_send(struct sio_session *session, struct eio_packet *const *packets, unsigned n)
{
    sio_codec_of(session)->send(session->eio, packets, n);
    for (unsigned i = 0; i < n; i++) eio_packet_drop(packets[i]);
}

void sio_violation(struct sio_session *session)
{
    session->closing = true;
    metric_add(session->sio->violations, 1);
    eio_violation(session->eio, "parse error");
}

void sio_overflow(struct sio_session *session)
{
    session->closing = true;
    eio_overflow(session->eio);
}

void sio_refused(struct sio_session *session)
{
    if (++session->refusals > SIO_REFUSALS_MAX && !session->closing) sio_violation(session);
}

int64_t sio_session_charge_connect(struct sio_session *session)
{
    const struct sio_connect_rate *connect_rate = &session->sio->config.connect_rate;

    return connect_rate->take != NULL ? connect_rate->take(connect_rate->arg, str_of(eio_sid(session->eio))) : 0;
}

uint64_t sio_namespace_bit(const struct sio *sio, const struct sio_namespace *nsp)
{
    for (size_t i = 0; i < sio->n; i++)
        if (sio->nsp[i] == nsp) return UINT64_C(1) << i;
    return 0;
}
