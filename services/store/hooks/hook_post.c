/* hook_post.c - a program posts by a hook: chat says whose URL it is, then its text goes the way of every message, as the hook's. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "services/store/hooks/hooks.h"

#define META_BYTES 4096 /* proto/common.def: message.meta */

struct hook_posting {
    struct store *store;
    struct rpc_later *later;
    const struct hook_post *req;
    struct principal who; /* the hook */
    struct call as_hook;  /* the call, by it */
};

/* The posting lies in the call's arena, which is gone when the store stops. */
struct hook_question {
    struct store *store;
    struct hook_posting *posting;
};

static void answer_program(void *arg, enum err e, const struct message *m, bool was_put)
{
    const struct hook_posting *p = arg;
    struct hook_receipt receipt = { .ok = true, .room = m->room, .id = m->id, .seq = m->seq, .at = m->at };

    (void)was_put;
    rpc_later_done(p->later, e, &receipt);
}

static struct str id_text(struct arena *arena, struct id id)
{
    char text[ID_TEXT_BYTES + 1];

    id_format(id, text);
    return arena_str(arena, str_of(text));
}

/* What clients show beside the message.  Nobody else's sender begins with `hook:`, so nobody else is believed to say so. */
static struct str write_meta(struct arena *arena, const struct hook_face *hook)
{
    struct hook_signature bot = { hook->name, hook->avatar };
    const struct hook_meta meta = { &bot };
    struct buf body = BUF(META_BYTES);
    enum err e = wire_encode(hook_meta_shape(), &meta, &body);

    assert(e == OK); /* by the bounds of its fields */
    struct str written = arena_str(arena, buf_str(&body));
    buf_free(&body);
    return written;
}

/* A request that its gateway sends again is the same, with and without a key. */
static struct str choose_id(const struct hook_posting *p)
{
    const struct call *call = rpc_later_call(p->later);

    return p->req->idempotency_key.len > 0 ? p->req->idempotency_key : id_text(call->arena, call->who->request);
}

static void send_as(struct hook_posting *p, const struct hook_face *hook)
{
    struct call *call = rpc_later_call(p->later);
    const struct message entry = { .room = p->req->room,
        .id = choose_id(p),
        .body = hook_text(call->arena, p->req),
        .meta = write_meta(call->arena, hook) };

    p->who = (struct principal){ .sub = arena_printf(call->arena, "hook:%.*s", STR_ARG(id_text(call->arena, hook->id))),
        .kind = STR("service") };
    p->as_hook = *call;
    p->as_hook.who = &p->who;
    entry_send_by(&p->as_hook, ENTRY_message, &entry, (struct log_access){ .role = ROLE_member }, answer_program, p);
}

/* chat's own sentence says why not. */
static enum err explain_refusal(struct call *call, enum err e, struct str body)
{
    struct failure failure;

    if (e == ERR_UNAVAILABLE) return call_fail(call, e, "chat did not say whose hook it is; repeat with the same key");
    rpc_failure_read(body, call->arena, &failure);
    call->why->retry_after_ms = failure.retry_after_ms;
    return call_fail(call, e, "%.*s", STR_ARG(failure.message));
}

static void on_hook(void *arg, enum err e, struct str body)
{
    struct hook_question question = *(struct hook_question *)arg;
    struct wire_error why;
    struct hook_face hook;

    mem_free(arg);
    if (question.store->stopping) return;
    struct hook_posting *p = question.posting;
    struct call *call = rpc_later_call(p->later);
    if (e != OK)
        e = explain_refusal(call, e, body);
    else
        e = wire_decode(hook_face_shape(), arena_str(call->arena, body), call->arena, &hook, &why);
    if (e == OK)
        send_as(p, &hook);
    else
        rpc_later_done(p->later, e, NULL);
}

void hook_post(struct call *call, const struct hook_post *req, struct rpc_later *later)
{
    struct hook_posting *p = arena_zero(call->arena, sizeof *p);
    struct hook_question *question = mem_alloc(sizeof *question);

    *p = (struct hook_posting){ .store = call->context, .later = later, .req = req };
    *question = (struct hook_question){ p->store, p };
    chat_link_hook(
        store_chat(p->store, req->room)->link, &(struct hook_code){ req->room, req->code }, on_hook, question);
}
