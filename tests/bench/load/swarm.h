/*
 * swarm.h - many Socket.IO clients in one thread.
 *
 * A process has one swarm. It opens its connections a few at a time, each of them into the
 * namespace /chat with a token, answers the server's pings, and tells its user of what else
 * it hears.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/load/conn.h"
#include "tests/bench/load/options.h"
#include "tests/bench/load/tally.h"

/* What the swarm's user is told. Texts are only lent. NULL: of no interest. */
struct swarm_user {
    void (*ready)(struct conn *conn);
    void (*event)(struct conn *conn, const char *text, size_t len); /* from the `[` on */
    void (*ack)(struct conn *conn, uint64_t id, const char *text, size_t len);
    void (*lost)(struct conn *conn, bool was_ready);
};

struct swarm_counts {
    size_t total, begun, opening, ready, failed;
    size_t lost;    /* were ready, and are no more */
    size_t refused; /* were told to go: a DISCONNECT or a CONNECT_ERROR */
    struct tally open_us;
};

/* Prepare `total` connections; `options` and `user` must outlive the swarm. */
void swarm_create(const struct options *options, size_t total, const struct swarm_user *user);

/* Close everything. */
void swarm_destroy(void);

const struct swarm_counts *swarm_counts(void);

/* Connection i, which keeps its address and its `number`. */
struct conn *swarm_conn(size_t i);

/* Open all; answers when each is ready or has failed, or the time for opening is over. */
void swarm_open(void);

/* Connect again what was lost. */
void swarm_again(struct conn *conn);

/* See conn_be_deaf(). */
void swarm_be_deaf(struct conn *conn, bool deaf);

/* Has a line come on standard input (or its end)? It is taken. */
bool swarm_told(void);

/* Wait for something to happen, at most so long, and deal with it. */
void swarm_turn(int most_ms);

/* Say `word` on standard error; if the run is paced, go on turning until a line comes on
 * standard input (or it ends). */
void swarm_pace(const char *word);

/* Send the text of an Engine.IO packet, at the beginning of the next turn. */
void swarm_send(struct conn *conn, const char *text, size_t len);

/* The first reason for which something went wrong is printed on standard error. */
void swarm_complain(const char *about, const char *text, size_t len);
