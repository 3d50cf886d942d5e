/* admin_stats.h - what the admin page shows of a gateway: server_stats, with what happened in each second. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/interop/admin.h"

/* Sums over all transports; what the page calls them is in the .c file. */
enum tally { TALLY_OPENED, TALLY_PACKETS_IN, TALLY_PACKETS_OUT, TALLY_BYTES_IN, TALLY_BYTES_OUT, TALLY_COUNT };

struct admin_stats {
    const struct admin_view *view;
    struct buf events; /* JSON elements, since they were last sent */
    int64_t before[TALLY_COUNT];
    struct {
        const char *reason;
        int64_t n;
    } closed[EIO_REASONS_MAX];
    int64_t began_us;
    char host[65];
};

void admin_stats_begin(struct admin_stats *stats, const struct admin_view *view);
void admin_stats_end(struct admin_stats *stats);
/* Once a second: note what happened since the last time. */
void admin_stats_note(struct admin_stats *stats, int64_t now_s);
/* The argument of server_stats.  A socket that looks is no client, so that the roster does not count them: there are as many
 * viewers. */
void admin_stats_print(struct admin_stats *stats, size_t viewers, struct buf *out);
void admin_stats_forget(struct admin_stats *stats); /* the events: they were sent, or nobody looked */
