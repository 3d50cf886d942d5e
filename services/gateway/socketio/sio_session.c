/* sio_session.c - what all sockets of a session share: what is sent, refused, ended, and against the protocol. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/socketio/sio_private.h"

void sio_session_send(struct sio_session *session, struct eio_packet *const *packets, unsigned n)
{
    session->codec->send(session->eio, packets, n);
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
