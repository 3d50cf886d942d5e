/*
 * rpc_pipe.h - how many bytes ZeroMQ has for one peer, and for all.
 *
 *      messages ──> [ pipe: first in, first out ] ──> the peer's connection
 *                        ^ every 16 KiB a mark
 *
 * ZeroMQ bounds a pipe by messages and tells nobody what is in it.  So every so many bytes there is a message whose head
 * calls back when ZeroMQ is through with it, on its own thread: what was sent before it has left as well.  When the
 * connection is lost, ZeroMQ frees what is in the pipe, and with it the marks.
 *
 * Each pipe may hold as much as all together leave free: of RPC_PIPES_BYTES one stopped peer gets a half, two get a third
 * each.  So others always have some.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <zmq.h>

#include "libshared/base/str.h"

#define RPC_PIPE_BYTES  ((size_t)32 << 20)  /* in one pipe, and one message more */
#define RPC_PIPES_BYTES ((size_t)128 << 20) /* in all of a process, with the replies that wait for them */

struct rpc_pipe;

struct rpc_pipe *rpc_pipe_create(void);
void rpc_pipe_leave(struct rpc_pipe **pipe); /* it ends with its last mark */

bool rpc_pipe_has_room(const struct rpc_pipe *pipe);

/* A message's head, with a mark if one is due; `bytes`: of the whole message.  After it was sent, rpc_pipe_sent(). */
void rpc_pipe_fill_head(struct rpc_pipe *pipe, zmq_msg_t *head, struct str head_bytes, size_t bytes);
void rpc_pipe_sent(struct rpc_pipe *pipe, size_t bytes);
/* The same for a head that is filled already, and that ZeroMQ is certain to take. */
void rpc_pipe_mark_head(struct rpc_pipe *pipe, zmq_msg_t *head, size_t bytes);

/* What waits outside, because there was no room. */
void rpc_pipe_keep(struct rpc_pipe *pipe, size_t bytes);
void rpc_pipe_unkeep(struct rpc_pipe *pipe, size_t bytes);
bool rpc_pipe_keeps_too_much(const struct rpc_pipe *pipe);
