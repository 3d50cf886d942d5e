/*
 * rerun.h - the echo of the conformance configuration, taken up again: what a socket was sent is its own log.
 *
 * As recovery.h has it, but there are no rooms and no store: each event that a socket is sent is numbered, kept in Redis
 * beside its record, and sent again from there.  The offset is a number with mark 0.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/recovery/record.h"
#include "services/gateway/session/client.h"

struct reruns;

struct reruns *reruns_create(struct ev_loop *loop); /* NULL: settings want none */
void reruns_destroy(struct reruns **reruns);        /* after the last socket */

/* Rooms by name, as recovery.h has them. */
void rerun_named(struct sio_socket *socket, const struct str *names, size_t n);
void reruns_put_back(struct reruns *reruns, record_put_back_fn *put_back, void *arg);

/* An echo for anybody, for sio_add(). */
struct sio_namespace rerun_namespace(struct reruns *reruns, const char *name);
/* For those who bring a token. */
struct clients_upper rerun_clients(struct reruns *reruns);
