/*
 * allowance.c - what a connection may send, whatever it is: packets and their bytes, counted before they are read.
 *
 *      stranger   so much in all, until it has joined a namespace: nobody knows yet who it is
 *      anybody    so much a second, as leaky buckets; ten seconds' worth may come at once
 *
 * An honest client never gets near: events have rates of their own, which are asked later and answered politely.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/clock.h"
#include "libshared/base/metrics.h"
#include "services/gateway/engineio/session.h"

#define WINDOW_US INT64_C(10000000)

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* A bucket is the time at which it will have run empty.  What comes while it is not full may overfill it: a large packet is
 * welcome, and waited for afterwards. */
static bool fill(const struct eio_session *s, int64_t *bucket_us, int64_t now_us, int64_t n, int64_t per_s)
{
    int64_t from = later(*bucket_us, now_us);

    if (from - now_us > WINDOW_US) return false;
    *bucket_us = from + n * 1000000 / per_s * 100 / s->eio->config.rate_percent;
    return true;
}

static bool is_within(struct eio_session *s, size_t bytes)
{
    struct eio_allowance *a = &s->allowance;
    int64_t now_us = clock_mono_us();

    if (s->stranger && (++a->packets > s->eio->config.stranger_packets ||
                           (a->bytes += (int64_t)bytes) > s->eio->config.stranger_bytes))
        return false;
    return fill(s, &a->packets_us, now_us, 1, s->eio->config.packets_per_s) &&
           fill(s, &a->bytes_us, now_us, (int64_t)bytes, s->eio->config.bytes_per_s);
}

bool allowance_take(struct eio_session *s, size_t bytes)
{
    if (s->eio->config.rate_percent == 0 || is_within(s, bytes)) return true;
    metric_add(s->stranger ? s->eio->strange_floods : s->eio->floods, 1);
    session_end(s, REASON_FLOOD, false, s->stranger ? "too much before a namespace" : "too much at once");
    return false;
}

size_t allowance_message_max(const struct eio_session *s)
{
    bool is_bounded = s->stranger && s->eio->config.rate_percent > 0;

    return is_bounded ? (size_t)s->eio->config.stranger_bytes : SIZE_MAX;
}

static void bound(const struct eio_session *s, struct eio_channel *channel)
{
    if (channel != NULL) channel->way->set_message_max(channel, allowance_message_max(s));
}

void allowance_bound(const struct eio_session *s)
{
    bound(s, s->ws);
    bound(s, s->upgrading);
}
