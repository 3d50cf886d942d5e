/*
 * frame.h - heads of the messages between processes.  A message is two ZeroMQ frames, head and body.
 *
 *      request  [1, id, method, budget_ms, trace, principal]   body: a record, as a map
 *      reply    [2, id, code]                                  body: the result, or a `failure` record
 *      event    [3, stream, seq, name]                         body: a record
 *      batch    [4, n]                                         body: n times head, body, each as msgpack's bin
 *
 * In a batch a request may have a number in place of its principal: it is that of the message of this number, from 1 on, before it in the
 * same batch.  It is so sent to who said in `hello` that it takes it.
 *
 * A batch is what a process has for one peer at the end of a turn of its loop, in order; a batch in a batch is malformed.  It is
 * sent to who said in `hello` that it reads it.
 * budget_ms is what is left of the deadline when it is sent.  Texts are views into the frame.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/records.h"

enum frame_kind { FRAME_REQUEST = 1, FRAME_REPLY = 2, FRAME_EVENT = 3, FRAME_BATCH = 4 };

struct frame_request {
    uint64_t id;
    struct str method;
    int64_t budget_ms;
    struct str trace;
    struct principal who;
    uint64_t same_who; /* instead: the number of a message before it in its batch; 0: none */
};
struct frame_reply {
    uint64_t id;
    enum err status;
};
struct frame_event {
    struct id stream;
    int64_t seq;
    struct str name;
};
struct frame_batch {
    uint64_t n;
};

struct frame_head {
    enum frame_kind kind;
    union {
        struct frame_request request;
        struct frame_reply reply;
        struct frame_event event;
        struct frame_batch batch;
    };
};

/* A principal that is out of its bounds makes `out` over, like bytes beyond its bound. */
void frame_put_request(struct buf *out, const struct frame_request *head);
void frame_put_reply(struct buf *out, const struct frame_reply *head);
void frame_put_event(struct buf *out, const struct frame_event *head);
void frame_put_batch(struct buf *out, const struct frame_batch *head);
enum err frame_read(struct str bytes, struct arena *arena, struct frame_head *out) MUST_CHECK; /* ERR_MALFORMED */

/* The body of a batch: a message more; and the next one, as views into `rest`, which it is cut from.  false: no such thing. */
void frame_batch_add(struct buf *out, struct str head, struct str body);
bool frame_batch_next(struct str *rest, struct str *head, struct str *body) MUST_CHECK;

/* The body of an error reply. */
void frame_put_failure(struct buf *out, enum err e, const struct wire_error *why);
