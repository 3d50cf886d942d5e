/*
 * allowance.c - what a connection may send, whatever it is: packets and their bytes, counted before they are read, and
 * frames of its WebSocket that are none.
 *
 *      stranger   so much in all, until it has joined a namespace: nobody knows yet who it is
 *      anybody    so much a second, as leaky buckets; ten seconds' worth may come at once
 *
 * An honest client never gets near: events have rates of their own, which are asked later and answered politely.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/turn.h"
#include "libshared/base/metrics.h"
#include "services/gateway/engineio/session_private.h"

#define WINDOW_US INT64_C(10000000)

static int64_t later_of(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* A bucket is the time at which it will have run empty.  What comes while it is not full may overfill it: a large packet is
 * welcome, and waited for afterwards. */
static bool fill_bucket(const struct eio_config *config, int64_t *bucket_us, int64_t now_us, int64_t n, int64_t per_s)
{
    int64_t from = later_of(*bucket_us, now_us);

    if (from - now_us > WINDOW_US) return false;
    *bucket_us = from + n * 1000000 / per_s * 100 / config->rate_percent;
    return true;
}

static bool is_within(const struct eio_config *config, struct eio_allowance *a, bool is_stranger, int64_t bytes)
{
    int64_t now_us = turn_us();

    if (is_stranger && (++a->packets > config->stranger_packets || (a->bytes += bytes) > config->stranger_bytes))
        return false;
    return fill_bucket(config, &a->packets_us, now_us, 1, config->packets_per_s) &&
           fill_bucket(config, &a->bytes_us, now_us, bytes, config->bytes_per_s);
}

const char *eio_allowance_take(struct eio *eio, struct eio_allowance *allowance, bool is_stranger, size_t bytes)
{
    if (eio->config.rate_percent == 0 || is_within(&eio->config, allowance, is_stranger, (int64_t)bytes)) return NULL;
    metric_add(is_stranger ? eio->strange_floods : eio->floods, 1);
    return is_stranger ? "too much before a namespace" : "too much at once";
}

size_t eio_message_max(const struct eio *eio, bool is_stranger)
{
    return is_stranger && eio->config.rate_percent > 0 ? (size_t)eio->config.stranger_bytes : SIZE_MAX;
}

static void note_heard(struct eio_session *s)
{
    int64_t since_us = turn_us() - s->begun_us;

    if (since_us > 0) s->heard_s = (uint32_t)(since_us / 1000000);
}

bool allowance_take(struct eio_session *s, size_t bytes)
{
    note_heard(s);
    const char *why = eio_allowance_take(s->eio, &s->allowance, s->stranger, bytes);

    if (why != NULL) session_end(s, REASON_FLOOD, false, why);
    return why == NULL;
}

size_t allowance_message_max(const struct eio_session *s)
{
    return eio_message_max(s->eio, s->stranger);
}

static void bound_channel(const struct eio_session *s, struct eio_channel *channel)
{
    if (channel != NULL) channel->way->bound(channel, s->stranger);
}

void allowance_bound(const struct eio_session *s)
{
    bound_channel(s, s->ws);
    bound_channel(s, s->upgrading);
}
