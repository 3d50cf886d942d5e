/* hold.c - the runs about connections alone. */
// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load/hold.h"

#include <stdio.h>

#include "tests/bench/load/swarm.h"

static const struct swarm_user nobody = { .ready = NULL };

static void print_counts(const struct options *o, double seconds)
{
    const struct swarm_counts *c = swarm_counts();

    printf("{\"mode\":\"%s\",\"tls\":%s,\"asked\":%zu,\"connected\":%zu,\"failed\":%zu,\"lost\":%zu,"
           "\"seconds\":%.3f,\"connections_per_s\":%.1f,",
        o->mode, o->tls ? "true" : "false", c->total, c->ready, c->failed, c->lost, seconds,
        (double)c->ready / seconds);
    tally_print(&c->open_us, "open_us", stdout);
    printf("}\n");
    fflush(stdout);
}

static bool finish(const struct options *o, double seconds)
{
    bool all = swarm_counts()->ready == swarm_counts()->total;

    print_counts(o, seconds);
    swarm_destroy();
    return all;
}

static double open_timed(void)
{
    int64_t began = tally_now_us();

    swarm_open();
    return (double)(tally_now_us() - began) / 1e6;
}

bool hold_idle(const struct options *o)
{
    swarm_create(o, o->connections, &nobody);
    double seconds = open_timed();
    swarm_pace("ready");
    for (int64_t end = tally_now_us() + (int64_t)(o->seconds * 1e6); !o->paced && tally_now_us() < end;) swarm_turn(50);
    return finish(o, seconds);
}

bool hold_connect(const struct options *o)
{
    swarm_create(o, o->connections, &nobody);
    swarm_pace("ready");
    double seconds = open_timed();
    swarm_pace("measured");
    return finish(o, seconds);
}
