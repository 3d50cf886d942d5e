/*
 * rpc_batch.h - what a process has for one peer at the end of a turn of its loop, as one message.
 *
 *      add, add, add --> [ head body, head body, head body ] --close--> [4, 3] and a body, two frames
 *
 * Each ZeroMQ message costs two hand-overs between threads, and each of its frames a CURVE box at either end; under load that is half
 * of what a message costs.  A message that is alone goes as itself.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <zmq.h>

#include "libshared/base/buf.h"

#define RPC_BATCH_MESSAGES 256
#define RPC_BATCH_BYTES    (64u << 10) /* and one message more */
#define RPC_BATCH_EACH     (16u << 10) /* bytes of a body: a larger one goes alone, by reference */

struct rpc_batch {
    struct buf bytes;
    size_t n;
};

bool rpc_batch_is_full(const struct rpc_batch *batch);
void rpc_batch_add(struct rpc_batch *batch, struct str head, struct str body);
/* The two frames of what was added, one message at least; the batch is empty afterwards. */
void rpc_batch_close(struct rpc_batch *batch, zmq_msg_t *head, zmq_msg_t *body);
void rpc_batch_clear(struct rpc_batch *batch);
void rpc_batch_free(struct rpc_batch *batch);
