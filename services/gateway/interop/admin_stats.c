/* admin_stats.c - what the admin page shows of a gateway. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/interop/admin_stats.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "libshared/base/clock.h"
#include "libshared/wire/json_text.h"

#define EVENTS_BYTES_MAX 16384

static const char *const names[] = {
    [TALLY_OPENED] = "rawConnection",
    [TALLY_PACKETS_IN] = "packetsIn",
    [TALLY_PACKETS_OUT] = "packetsOut",
    [TALLY_BYTES_IN] = "bytesIn",
    [TALLY_BYTES_OUT] = "bytesOut",
};

void admin_stats_begin(struct admin_stats *stats, const struct admin_view *view)
{
    *stats = (struct admin_stats){ .view = view, .events = BUF(EVENTS_BYTES_MAX), .began_us = clock_mono_us() };
    if (gethostname(stats->host, sizeof stats->host - 1) != 0) stats->host[0] = '\0';
}

void admin_stats_end(struct admin_stats *stats)
{
    buf_free(&stats->events);
}

void admin_stats_forget(struct admin_stats *stats)
{
    buf_clear(&stats->events);
}

static void put_event(struct admin_stats *stats, int64_t now_s, const char *type, const char *sub_type, int64_t n)
{
    struct buf *out = &stats->events;

    if (n == 0) return;
    buf_printf(out, "%s{\"timestamp\":%" PRId64 ",\"type\":\"%s\"", out->len > 0 ? "," : "", now_s * 1000, type);
    if (sub_type != NULL) buf_printf(out, ",\"subType\":\"%s\"", sub_type);
    buf_printf(out, ",\"count\":%" PRId64 "}", n);
}

static void sum_totals(const struct admin_view *view, int64_t now[TALLY_COUNT])
{
    for (size_t i = 0; i < view->n_transports; i++) {
        const struct eio_totals *t = eio_totals(view->transports[i]);
        now[TALLY_OPENED] += t->opened;
        now[TALLY_PACKETS_IN] += t->packets_in;
        now[TALLY_PACKETS_OUT] += t->packets_out;
        now[TALLY_BYTES_IN] += t->bytes_in;
        now[TALLY_BYTES_OUT] += t->bytes_out;
    }
}

static int64_t closed_for(const struct admin_view *view, const char *reason)
{
    int64_t n = 0;

    for (size_t i = 0; i < view->n_transports; i++) {
        const struct eio_totals *t = eio_totals(view->transports[i]);
        for (size_t k = 0; k < EIO_REASONS_MAX && t->closed[k].reason != NULL; k++)
            if (strcmp(t->closed[k].reason, reason) == 0) n += t->closed[k].n;
    }
    return n;
}

/* The reasons that any transport has seen so far. */
static void learn_reasons(struct admin_stats *stats, const struct eio_totals *t)
{
    for (size_t k = 0; k < EIO_REASONS_MAX && t->closed[k].reason != NULL; k++) {
        size_t i = 0;
        while (i < EIO_REASONS_MAX && stats->closed[i].reason != NULL &&
               strcmp(stats->closed[i].reason, t->closed[k].reason) != 0)
            i++;
        if (i < EIO_REASONS_MAX) stats->closed[i].reason = t->closed[k].reason;
    }
}

static void note_closed(struct admin_stats *stats, int64_t now_s)
{
    for (size_t i = 0; i < stats->view->n_transports; i++) learn_reasons(stats, eio_totals(stats->view->transports[i]));
    for (size_t i = 0; i < EIO_REASONS_MAX && stats->closed[i].reason != NULL; i++) {
        int64_t now = closed_for(stats->view, stats->closed[i].reason);
        put_event(stats, now_s, "rawDisconnection", stats->closed[i].reason, now - stats->closed[i].n);
        stats->closed[i].n = now;
    }
}

void admin_stats_note(struct admin_stats *stats, int64_t now_s)
{
    int64_t now[TALLY_COUNT] = { 0 };

    sum_totals(stats->view, now);
    for (int i = 0; i < TALLY_COUNT; i++) put_event(stats, now_s, names[i], NULL, now[i] - stats->before[i]);
    memcpy(stats->before, now, sizeof now);
    note_closed(stats, now_s);
}

static void count_polling(void *arg, struct eio_session *session)
{
    *(size_t *)arg += strcmp(eio_transport(session), "polling") == 0;
}

static void print_clients(const struct admin_view *view, struct buf *out)
{
    size_t all = 0, polling = 0;

    for (size_t i = 0; i < view->n_transports; i++) {
        all += eio_sessions(view->transports[i]);
        eio_each(view->transports[i], count_polling, &polling);
    }
    buf_printf(out, ",\"clientsCount\":%zu,\"pollingClientsCount\":%zu", all, polling);
}

static void print_namespace(const char *name, size_t sockets, const char *before, struct buf *out)
{
    buf_printf(out, "%s{\"name\":", before);
    json_put_text(out, str_of(name));
    buf_printf(out, ",\"socketsCount\":%zu}", sockets);
}

void admin_stats_print(struct admin_stats *stats, size_t viewers, struct buf *out)
{
    const struct admin_view *view = stats->view;

    buf_add_str(out, STR("{\"serverId\":"));
    json_put_text(out, str_of(view->name));
    buf_add_str(out, STR(",\"hostname\":"));
    json_put_text(out, str_of(stats->host));
    buf_printf(out, ",\"pid\":%d,\"uptime\":%.3f", (int)getpid(), (double)(clock_mono_us() - stats->began_us) / 1e6);
    print_clients(view, out);
    buf_add_str(out, STR(",\"aggregatedEvents\":["));
    buf_add_str(out, buf_str(&stats->events));
    buf_add_str(out, STR("],\"namespaces\":["));
    for (size_t i = 0; i < view->n_namespaces; i++)
        print_namespace(view->namespaces[i].name, roster_count(view->roster, str_of(view->namespaces[i].name)),
            i > 0 ? "," : "", out);
    print_namespace(ADMIN_NAMESPACE, viewers, view->n_namespaces > 0 ? "," : "", out);
    buf_add_str(out, STR("]}"));
}
