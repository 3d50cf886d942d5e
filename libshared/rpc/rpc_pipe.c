/* rpc_pipe.c - bytes on their way to a peer, counted from mark to mark. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/rpc/rpc_pipe.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#include "libshared/base/arena.h"
#include "libshared/base/metrics.h"

#define MARK_BYTES   ((size_t)16 << 10)
#define MESSAGE_COST 256 /* what a message takes beside its bytes */

struct rpc_pipe {
    _Atomic size_t bytes; /* between its marks, and 1 for its owner: whoever brings it to 0 frees it */
    size_t unmarked;      /* sent since the last mark; its owner's thread only, as is the rest */
    size_t kept;
    struct metric *all;
};

struct mark {
    struct rpc_pipe *pipe;
    size_t bytes;
    char head[];
};

struct rpc_pipe *rpc_pipe_create(void)
{
    struct rpc_pipe *pipe = mem_zero(sizeof *pipe);

    pipe->bytes = 1;
    pipe->all = metric_gauge("madang_rpc_pipe_bytes", NULL, "Bytes that peers have not taken yet");
    return pipe;
}

static void drop_bytes(struct rpc_pipe *pipe, size_t bytes)
{
    if (atomic_fetch_sub_explicit(&pipe->bytes, bytes, memory_order_acq_rel) == bytes) mem_free(pipe);
}

void rpc_pipe_leave(struct rpc_pipe **pipe)
{
    if (*pipe == NULL) return;
    rpc_pipe_unkeep(*pipe, (*pipe)->kept);
    drop_bytes(*pipe, 1);
    *pipe = NULL;
}

static size_t left_of_all(const struct rpc_pipe *pipe)
{
    size_t all = (size_t)metric_value(pipe->all);

    return all < RPC_PIPES_BYTES ? RPC_PIPES_BYTES - all : 0;
}

bool rpc_pipe_has_room(const struct rpc_pipe *pipe)
{
    size_t bytes = atomic_load_explicit(&pipe->bytes, memory_order_relaxed) - 1;

    return bytes <= RPC_PIPE_BYTES && bytes <= left_of_all(pipe);
}

/* --- marks --- */

static bool is_due(const struct rpc_pipe *pipe, size_t bytes)
{
    return pipe->unmarked + bytes + MESSAGE_COST >= MARK_BYTES;
}

/* On a thread of ZeroMQ's, or on ours, if it was not sent. */
static void pass_message(void *head, void *arg)
{
    struct mark *mark = arg;

    (void)head;
    metric_add(mark->pipe->all, -(int64_t)mark->bytes);
    drop_bytes(mark->pipe, mark->bytes);
    mem_free(mark);
}

static void fill_mark(struct rpc_pipe *pipe, zmq_msg_t *head, struct str head_bytes, size_t bytes)
{
    struct mark *mark = mem_alloc(sizeof *mark + head_bytes.len);

    mark->pipe = pipe;
    mark->bytes = pipe->unmarked + bytes + MESSAGE_COST;
    memcpy(mark->head, head_bytes.at, head_bytes.len);
    atomic_fetch_add_explicit(&pipe->bytes, mark->bytes, memory_order_relaxed);
    metric_add(pipe->all, (int64_t)mark->bytes);
    int rc = zmq_msg_init_data(head, mark->head, head_bytes.len, pass_message, mark);
    assert(rc == 0 && "out of memory");
    (void)rc;
}

void rpc_pipe_fill_head(struct rpc_pipe *pipe, zmq_msg_t *head, struct str head_bytes, size_t bytes)
{
    if (is_due(pipe, bytes)) {
        fill_mark(pipe, head, head_bytes, bytes);
        return;
    }
    int rc = zmq_msg_init_size(head, head_bytes.len);
    assert(rc == 0 && "out of memory");
    (void)rc;
    memcpy(zmq_msg_data(head), head_bytes.at, head_bytes.len);
}

void rpc_pipe_sent(struct rpc_pipe *pipe, size_t bytes)
{
    pipe->unmarked = is_due(pipe, bytes) ? 0 : pipe->unmarked + bytes + MESSAGE_COST;
}

void rpc_pipe_mark_head(struct rpc_pipe *pipe, zmq_msg_t *head, size_t bytes)
{
    if (is_due(pipe, bytes)) {
        zmq_msg_t marked;
        fill_mark(pipe, &marked, (struct str){ zmq_msg_data(head), zmq_msg_size(head) }, bytes);
        zmq_msg_close(head);
        *head = marked;
    }
    rpc_pipe_sent(pipe, bytes);
}

/* --- what waits outside --- */

void rpc_pipe_keep(struct rpc_pipe *pipe, size_t bytes)
{
    pipe->kept += bytes;
    metric_add(pipe->all, (int64_t)bytes);
}

void rpc_pipe_unkeep(struct rpc_pipe *pipe, size_t bytes)
{
    assert(pipe->kept >= bytes);
    pipe->kept -= bytes;
    metric_add(pipe->all, -(int64_t)bytes);
}

bool rpc_pipe_keeps_too_much(const struct rpc_pipe *pipe)
{
    return pipe->kept > left_of_all(pipe);
}
