/* rates_feature.c - how often a client may connect. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/clock.h"
#include "services/gateway/identity/client.h"

static int64_t take_connect(void *object, struct str eio_sid)
{
    return rates_take(object, RATE_connect, eio_sid, clock_mono_us());
}

static enum err charge_arrival(void *object, struct arrival *arrival)
{
    struct rate_payer payer = { .amount = { [UNIT_CALLS] = 1 } };
    struct rate_state state;

    if (arrival->rights.bearer == NULL) return OK;
    payer.who[BY_ADDRESS] = sio_address(arrival->socket);
    payer.who[BY_SUBJECT] = bearer_subject(arrival->rights.bearer);
    bool good = rates_charge(object, CLASS_arrive, &payer, clock_mono_us(), &state);
    arrival->retry_ms = state.retry_after_ms;
    return good ? OK : ERR_RATE_LIMITED;
}

const struct client_feature rates_feature = { .charge_connect = take_connect, .arrive = charge_arrival };
