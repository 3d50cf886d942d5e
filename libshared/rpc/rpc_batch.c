/* rpc_batch.c - several messages on their way as one. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/rpc/rpc_batch.h"

#include <assert.h>
#include <string.h>

#include "libshared/wire/frame.h"

bool rpc_batch_is_full(const struct rpc_batch *batch)
{
    return batch->n >= RPC_BATCH_MESSAGES || batch->bytes.len >= RPC_BATCH_BYTES;
}

void rpc_batch_add(struct rpc_batch *batch, struct str head, struct str body)
{
    /* A head is within the bounds of its record, and a body within RPC_BATCH_EACH. */
    batch->bytes.max = 2 * RPC_BATCH_BYTES;
    frame_batch_add(&batch->bytes, head, body);
    assert(!batch->bytes.over);
    batch->n++;
}

static void fill_msg(zmq_msg_t *msg, struct str bytes)
{
    int rc = zmq_msg_init_size(msg, bytes.len);
    assert(rc == 0 && "out of memory");
    (void)rc;
    if (bytes.len > 0) memcpy(zmq_msg_data(msg), bytes.at, bytes.len);
}

void rpc_batch_close(struct rpc_batch *batch, zmq_msg_t *head, zmq_msg_t *body)
{
    struct str rest = buf_str(&batch->bytes), one_head, one_body;
    struct buf batch_head = BUF(16);

    assert(batch->n > 0);
    if (batch->n == 1) {
        bool good = frame_batch_next(&rest, &one_head, &one_body);
        assert(good);
        (void)good;
        fill_msg(head, one_head);
        fill_msg(body, one_body);
    } else {
        frame_put_batch(&batch_head, &(struct frame_batch){ batch->n });
        fill_msg(head, buf_str(&batch_head));
        fill_msg(body, rest);
        buf_free(&batch_head);
    }
    rpc_batch_clear(batch);
}

void rpc_batch_clear(struct rpc_batch *batch)
{
    buf_clear(&batch->bytes);
    batch->n = 0;
}

void rpc_batch_free(struct rpc_batch *batch)
{
    buf_free(&batch->bytes);
    batch->n = 0;
}
