/* hold.c - the runs about connections alone. */
// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load/hold.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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

/* --- ended by the server --- */

static int64_t *ended_us; /* of each connection; 0: not yet */
static size_t n_ended;

/* By the clock that other processes have, too. */
static int64_t wall_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void note_end(struct conn *conn)
{
    if (ended_us[conn->index] != 0) return;
    ended_us[conn->index] = wall_us();
    n_ended++;
}

/* Nothing is said to anybody but why it has to go. */
static void hear_end(struct conn *conn, const char *text, size_t len)
{
    (void)text, (void)len;
    note_end(conn);
}

static void lose_end(struct conn *conn, bool was_ready)
{
    if (was_ready) note_end(conn);
}

bool hold_ended(const struct options *o)
{
    static const struct swarm_user user = { .event = hear_end, .lost = lose_end };
    size_t opened;

    ended_us = calloc(o->connections, sizeof *ended_us);
    if (ended_us == NULL) abort();
    swarm_create(o, o->connections, &user);
    swarm_open();
    opened = swarm_counts()->ready;
    swarm_pace("ready");
    for (int64_t end = tally_now_us() + (int64_t)(o->seconds * 1e6); n_ended < opened && tally_now_us() < end;)
        swarm_turn(50);
    printf("{\"mode\":\"%s\",\"asked\":%zu,\"connected\":%zu,\"ended_at_us\":[", o->mode, o->connections, opened);
    for (size_t i = 0, n = 0; i < o->connections; i++)
        if (ended_us[i] != 0) printf("%s%" PRId64, n++ > 0 ? "," : "", ended_us[i]);
    printf("]}\n");
    swarm_destroy();
    free(ended_us);
    return opened == o->connections && n_ended == opened;
}
