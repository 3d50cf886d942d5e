/* rates_feature.c - how often a client may connect, and what is read for it. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/clock.h"
#include "services/gateway/identity/client_private.h"

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
    payer.who[BY_KEY] = bearer_key(arrival->rights.bearer);
    bool good = rates_charge(object, CLASS_arrive, &payer, clock_mono_us(), &state);
    arrival->retry_ms = state.retry_after_ms;
    return good ? OK : ERR_RATE_LIMITED;
}

static bool charge_missed(const struct clients *clients, const struct sio_socket *socket, const struct rights *rights,
    size_t n, struct rate_state *over)
{
    struct rate_payer payer = { .amount = { [UNIT_ITEMS] = (int64_t)n } };

    if (rights->bearer == NULL) return true;
    payer.who[BY_ADDRESS] = sio_address(socket);
    payer.who[BY_SUBJECT] = bearer_subject(rights->bearer);
    payer.who[BY_KEY] = bearer_key(rights->bearer);
    return rates_charge_done(clients->rates, CLASS_catch_up, &payer, clock_mono_us(), over);
}

bool client_charge_missed(const struct client *client, size_t n, struct rate_state *over)
{
    return charge_missed(client->home, client->socket, &client->rights, n, over);
}

bool arrival_charge_missed(const struct arrival *arrival, size_t n, struct rate_state *over)
{
    return charge_missed(arrival->clients, arrival->socket, &arrival->rights, n, over);
}

const struct client_feature rates_feature = { .charge_connect = take_connect, .arrive = charge_arrival };
