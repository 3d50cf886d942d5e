/* free_port.h - a port of loopback that nobody has, below the kernel's own range. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_PORT 20000
#define N_PORTS    12000

static inline bool is_free_port(int port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
    };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int rc = bind(fd, (struct sockaddr *)&at, sizeof at);

    close(fd);
    return rc == 0;
}

/* Each call another one.  Tests that run side by side have neighbouring pids: they begin far from each other, or both
 * would find the same port free. */
static inline int free_port(void)
{
    static unsigned turn;

    if (turn == 0) turn = (unsigned)getpid() * 101;
    for (int tries = 0; tries < N_PORTS; tries++) {
        int port = FIRST_PORT + (int)(turn++ % N_PORTS);
        if (is_free_port(port)) return port;
    }
    fprintf(stderr, "no free port\n");
    exit(1);
}
