/* options.h - what a run of the load generator is asked to do. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct options {
    const char *mode; /* idle, connect, ended, fanout, rooms, durable or soak */
    const char *host;
    const char *path;
    int port;
    bool tls;
    bool paced; /* wait for a line on standard input between the phases */
    char **tokens;
    size_t token_count;
    char **rooms; /* identifiers of rooms that exist */
    size_t room_count;
    size_t connections; /* idle, connect, ended, soak: how many in all */
    size_t stalled;     /* soak: how many of them stop to read */
    size_t members;     /* listeners of each room */
    size_t in_flight;   /* messages of each sender not yet answered for */
    size_t body_bytes;
    size_t opening; /* connections being opened at any one time */
    size_t sources; /* source addresses: 127.0.0.2, 127.0.0.3, ... */
    double open_seconds;
    double warmup_seconds;
    double seconds;
};

/* Read the command line. A wrong one ends the process with a line that says why. */
struct options options_read(int argc, char **argv);

void options_free(struct options *options);
