/* same_thread.c - see same_thread.h. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/lib/same_thread.h"

struct ev_loop *loop;
void turn(void)
{
    ev_run(loop, EVRUN_NOWAIT);
    usleep(200);
}

int connect_from(const char *from, int port)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    struct sockaddr_in mine = { .sin_family = AF_INET };
    int fd = socket(AF_INET, SOCK_STREAM, 0), small = 65536;
    inet_pton(AF_INET, from, &mine.sin_addr);
    inet_pton(AF_INET, "127.0.0.1", &at.sin_addr);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small); /* who reads slowly is noticed soon */
    assert_int_equal(bind(fd, (struct sockaddr *)&mine, sizeof mine), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
    for (int i = 0; i < 5; i++) turn(); /* it is accepted */
    return fd;
}

void say(int fd, const char *text)
{
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

bool hears(int fd, struct buf *in, const char *until)
{
    char part[65536];
    for (int64_t end = clock_mono_us() + PATIENCE_US; clock_mono_us() < end; turn()) {
        ssize_t n = recv(fd, part, sizeof part, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN)) return false;
        if (n > 0) buf_add(in, part, (size_t)n);
        if (in->len > 0 && memmem(in->at, in->len, until, strlen(until)) != NULL) return true;
    }
    return false;
}

bool is_gone(int fd)
{
    char c;
    for (int64_t end = clock_mono_us() + PATIENCE_US; clock_mono_us() < end; turn()) {
        ssize_t n = recv(fd, &c, 1, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno == ECONNRESET)) return true;
    }
    return false;
}
