/* fuzz_envelope.c - any bytes as the head of a message between processes, as the body of a batch, and as a failure's text. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/frame.h"
#include "tests/fuzz/fuzz.h"

static struct arena *arena;

static void put(struct buf *out, const struct frame_head *head)
{
    switch (head->kind) {
    case FRAME_REQUEST: frame_put_request(out, &head->request); break;
    case FRAME_REPLY: frame_put_reply(out, &head->reply); break;
    case FRAME_EVENT: frame_put_event(out, &head->event); break;
    case FRAME_BATCH: frame_put_batch(out, &head->batch); break;
    }
}

static void go_round(const struct frame_head *head)
{
    struct buf first = BUF(1 << 20), second = BUF(1 << 20);
    struct frame_head again;

    put(&first, head);
    PROMISE(!first.over);
    PROMISE(frame_read(buf_str(&first), arena, &again) == OK);
    put(&second, &again);
    PROMISE(str_eq(buf_str(&first), buf_str(&second)));
    buf_free(&first);
    buf_free(&second);
}

/* What is read of a batch lies within it, in order, and is what would be written again. */
static void read_batch(struct str bytes)
{
    struct str rest = bytes, head, body;
    struct buf again = BUF(4 << 20);
    const char *end = bytes.at;

    while (frame_batch_next(&rest, &head, &body)) {
        PROMISE(head.at > end && body.at > head.at + head.len && body.at + body.len == rest.at);
        end = rest.at;
        frame_batch_add(&again, head, body);
        PROMISE(again.len <= (size_t)(rest.at - bytes.at)); /* ours is the shortest form */
        struct frame_head inside;
        if (frame_read(head, arena, &inside) == OK) go_round(&inside);
    }
    buf_free(&again);
}

/* Whatever a sentence holds, the failure that carries it can be sent and read. */
static void fail_with(struct str text)
{
    struct wire_error why = { .field = "" }, ignored;
    struct buf b = BUF(1 << 20);
    struct failure failure;

    wire_refuse(&why, ERR_NOT_FOUND, NULL, "%.*s", STR_ARG(text));
    frame_put_failure(&b, ERR_NOT_FOUND, &why);
    PROMISE(!b.over);
    PROMISE(wire_decode(failure_shape(), buf_str(&b), arena, &failure, &ignored) == OK);
    buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = { (const char *)data, size };
    struct frame_head head;

    if (arena == NULL) arena = arena_create("fuzz", 1 << 20);
    if (frame_read(bytes, arena, &head) == OK) go_round(&head);
    read_batch(bytes);
    fail_with(bytes);
    arena_reset(arena);
    return 0;
}
