/* memory.c - what is held for clients has bounds, and what was free for a while goes back to the system. */
// SPDX-License-Identifier: Apache-2.0
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "libshared/base/clock.h"
#include "libshared/base/holding.h"
#include "libshared/base/log.h"
#include "libshared/base/metrics.h"
#include "services/gateway/gateway.h"

#define TICK_S     1.
/* Memory goes back when so much less is held than was held at the most, and no more often than this. */
#define TRIM_BYTES ((size_t)16 << 20)
#define TRIM_S     5.
/* A packet and its attachments, as they are put together, and the next message of their session. */
#define PAYLOADS   5

static struct metric *all, *strangers, *refused, *evicted;

static void register_metrics(void)
{
    all = metric_gauge("madang_gateway_held_bytes", "by=\"all\"", "Bytes held for clients");
    strangers = metric_gauge("madang_gateway_held_bytes", "by=\"strangers\"", "Bytes held for clients");
    refused =
        metric_counter("madang_gateway_held_refused_total", NULL, "Refusals for want of room in a bound of memory");
    evicted = metric_counter("madang_gateway_held_evicted_total", NULL,
        "Connections and sessions closed because they held most when a bound of memory was near");
}

static void set_metrics(void)
{
    struct holding_totals now = holdings_totals();

    metric_set(all, (int64_t)now.all);
    metric_set(strangers, (int64_t)now.strangers);
    metric_set(refused, (int64_t)now.refused);
    metric_set(evicted, (int64_t)now.evicted);
}

static void set_bounds(const struct settings_gateway *s)
{
    if (s->memory_per_connection < PAYLOADS * s->max_payload) {
        fprintf(stderr,
            "MADANG_GATEWAY_MEMORY_PER_CONNECTION: has to be %d times MADANG_GATEWAY_MAX_PAYLOAD at least\n", PAYLOADS);
        exit(2);
    }
    holdings_bound(&(struct holding_bounds){
        .all = (size_t)s->memory_bytes,
        .strangers = (size_t)s->memory_bytes / 100 * (size_t)s->memory_strangers_percent,
        .address = (size_t)s->memory_per_address,
        .subject = (size_t)s->memory_per_subject,
        .each = (size_t)s->memory_per_connection,
    });
}

/* After a flood the heap has holes: what fills whole pages goes back.  While as much is held as ever, nothing would. */
static void trim_heap(struct memory_watch *watch, double now)
{
    struct holding_totals held = holdings_totals();

    if (held.peak < held.all + TRIM_BYTES || now < watch->trimmed + TRIM_S) return;
    watch->trimmed = now;
    holdings_forget_peak();
    int64_t began_us = clock_mono_us();
    malloc_trim(0);
    LOG(INFO, "gateway.memory_trimmed", F_INT("peak", held.peak), F_INT("held", held.all),
        F_INT("us", clock_mono_us() - began_us));
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct memory_watch *watch = timer->data;

    (void)events;
    set_metrics();
    trim_heap(watch, ev_now(loop));
}

static void on_relief(struct ev_loop *loop, ev_prepare *prepare, int events)
{
    (void)loop, (void)prepare, (void)events;
    holdings_relieve();
}

void memory_watch(struct gateway *gateway)
{
    struct memory_watch *watch = &gateway->memory;

    set_bounds(&gateway->settings->gateway);
    register_metrics();
    ev_prepare_init(&watch->relief, on_relief);
    ev_set_priority(&watch->relief, EV_MAXPRI); /* who is evicted goes in this same turn */
    ev_prepare_start(gateway->loop, &watch->relief);
    ev_timer_init(&watch->tick, on_tick, TICK_S, TICK_S);
    watch->tick.data = watch;
    ev_timer_start(gateway->loop, &watch->tick);
}

void memory_unwatch(struct gateway *gateway)
{
    ev_prepare_stop(gateway->loop, &gateway->memory.relief);
    ev_timer_stop(gateway->loop, &gateway->memory.tick);
}
