/* same_thread.h - clients on the thread of the listener that they talk to: its loop turns while they wait. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <ev.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libshared/base/arena.h"
#include "libshared/base/buf.h"
#include "libshared/base/clock.h"

#define PATIENCE_US 30000000

extern struct ev_loop *loop;

void turn(void);

#define TURN_UNTIL(condition)                                                                                          \
    do {                                                                                                               \
        int64_t end_ = clock_mono_us() + PATIENCE_US;                                                                  \
        while (!(condition) && clock_mono_us() < end_) turn();                                                         \
        assert_true(condition);                                                                                        \
    } while (0)

int connect_from(const char *from, int port);
void say(int fd, const char *text);

/* Reads until `until` is among what came.  false: the end, or not in time. */
bool hears(int fd, struct buf *in, const char *until);
bool is_gone(int fd);
