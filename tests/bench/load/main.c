/* main.c - bench-load: the load of `make bench`. It prints one line of JSON. */
// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "tests/bench/load/hold.h"
#include "tests/bench/load/options.h"
#include "tests/bench/load/soak.h"
#include "tests/bench/load/traffic.h"

static int run(const struct options *o)
{
    bool in_rooms = o->room_count > 0;

    if (strcmp(o->mode, "idle") == 0) return hold_idle(o) ? 0 : 1;
    if (strcmp(o->mode, "connect") == 0) return hold_connect(o) ? 0 : 1;
    if (strcmp(o->mode, "ended") == 0) return hold_ended(o) ? 0 : 1;
    if (in_rooms && strcmp(o->mode, "durable") == 0) return traffic_run(o, CLOCK_ACKED) ? 0 : 1;
    if (in_rooms && (strcmp(o->mode, "fanout") == 0 || strcmp(o->mode, "rooms") == 0))
        return traffic_run(o, CLOCK_HEARD) ? 0 : 1;
    if (in_rooms && strcmp(o->mode, "soak") == 0) return soak_run(o) ? 0 : 1;
    fprintf(stderr, "bench-load: no such --mode, or no --room-list for it\n");
    return 2;
}

/* 0: done. 1: done, and what came is not what should have. 2: could not be done. */
int main(int argc, char **argv)
{
    struct options o = options_read(argc, argv);

    signal(SIGPIPE, SIG_IGN);
    int status = run(&o);
    options_free(&o);
    return status;
}
