/* free_port.c - see free_port.h. */
// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/lib/free_port.h"

static bool is_free_port(int port)
{
    struct sockaddr_in at = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
    };
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    int rc = bind(fd, (struct sockaddr *)&at, sizeof at);

    close(fd);
    return rc == 0;
}

/* Whoever will listen on a port has yet to start. Until this process ends, a name that no other program can have marks it: two
 * tests that run side by side never find the same port free. */
static bool mark_port(int port)
{
    struct sockaddr_un name = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int n = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "madang-test-port-%d", port);

    if (bind(fd, (struct sockaddr *)&name, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)) == 0)
        return true;
    close(fd);
    return false;
}

int free_port(void)
{
    static unsigned turn;

    if (turn == 0) turn = (unsigned)getpid() * 101;
    for (int tries = 0; tries < N_PORTS; tries++) {
        int port = FIRST_PORT + (int)(turn++ % N_PORTS);
        if (!mark_port(port)) continue;
        if (is_free_port(port)) return port;
    }
    fprintf(stderr, "no free port\n");
    exit(1);
}
