/*
 * fixture.h - a server and clients over real sockets, in a temporary directory, all on the test's own loop.
 *
 * Its methods take and return a room_ref; the room says what to do, see handlers in each test.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <ev.h>
#include <zmq.h>

#include "libshared/base/clock.h"
#include "libshared/rpc/loop.h"
#include "libshared/rpc/rpc_client.h"
#include "libshared/rpc/rpc_server.h"

#define WAIT_MS 20000

extern struct fixture {
    char dir[64], keys[96], endpoint[96];
    struct ev_loop *loop;
} fx;

/* --- keys --- */

int fixture_begin(void **state);
int fixture_end(void **state);

/* --- turning the loop --- */

void turn_for(int ms);

#define UNTIL(condition)                                                                                               \
    do {                                                                                                               \
        int64_t until_us = clock_mono_us() + WAIT_MS * 1000;                                                           \
        while (!(condition) && clock_mono_us() < until_us) turn_for(5);                                                \
        assert_true(condition);                                                                                        \
    } while (0)

/* --- a client that remembers what it heard --- */

struct rpc_outcome {
    enum err status;
    struct id room;
    int64_t retry_after_ms;
    char code[40], message[300];
    int order;
};

struct probe {
    struct rpc_client *client;
    int ups, downs, tolds, events, replies;
    struct id instance;
    char last_event[40];
    int64_t last_seq, first_gap;
    bool resynced;
};

extern int heard_order; /* so many answers were heard */

void on_heard(void *arg, enum err status, struct str body);
void on_up(void *arg, struct id instance);
void on_event(void *arg, const struct frame_event *head, struct str body);
void probe_open(struct probe *probe, const char *self, size_t pending_max);
struct str room_bytes(struct id room, char out[64]);
void probe_ask_for(struct probe *probe, const struct principal *who, const char *method, bool safe, int64_t budget_ms,
    struct id room, struct rpc_outcome *heard);
void probe_ask_as(struct probe *probe, const char *subject, const char *method, bool safe, int64_t budget_ms,
    struct id room, struct rpc_outcome *heard);
void probe_ask(
    struct probe *probe, const char *method, bool safe, int64_t budget_ms, struct id room, struct rpc_outcome *heard);
struct rpc_server_config server_config(const struct rpc_method *methods, size_t n, unsigned workers);

/* A row of a method table; behind the thread it runs on: .run or .begin. */
#define ROOM_METHOD(name_, where_, ...)                                                                                \
    {                                                                                                                  \
        .name = name_, .req = room_ref_shape, .rep = room_ref_shape, .where = where_, .repeat = ONCE,                  \
        .callers = "store gateway", __VA_ARGS__                                                                        \
    }
