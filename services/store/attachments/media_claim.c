/* media_claim.c - share is asked whether the media of a message are its sender's, and ready to be shown. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "services/store/store.h"

#define CLAIM_BYTES 2048 /* a media_claim, by the bounds of its fields */

struct claim {
    struct store *store;
    struct call *call;
    void (*done)(void *arg, enum err e);
    void *arg;
};

/* share's own sentence says which of the media it is about. */
static enum err explain_refusal(struct call *call, enum err e, struct str body)
{
    struct failure failure;

    if (e == ERR_UNAVAILABLE)
        return call_fail(call, e, "attachments: share did not say whose they are; repeat with the same id");
    rpc_failure_read(body, call->arena, &failure);
    call->why->retry_after_ms = failure.retry_after_ms;
    return call_fail(call, e, "attachments: %.*s", STR_ARG(failure.message));
}

static void on_claim(void *arg, enum err e, struct str body)
{
    struct claim claim = *(struct claim *)arg;

    mem_free(arg);
    if (claim.store->stopping) return; /* its call is gone */
    if (e != OK) e = explain_refusal(claim.call, e, body);
    claim.done(claim.arg, e);
}

void media_claim_ask(
    struct store *store, struct call *call, struct id_list media, void (*done)(void *arg, enum err e), void *arg)
{
    struct claim *claim = mem_alloc(sizeof *claim); /* it may outlive the call */
    const struct media_claim said = { call->who->sub, media };
    struct buf body = BUF(CLAIM_BYTES);
    enum err e = wire_encode(media_claim_shape(), &said, &body);

    assert(e == OK); /* within its bounds */
    *claim = (struct claim){ store, call, done, arg };
    rpc_client_call(store->share,
        &(struct rpc_request){ .method = "media.claim", .safe = true, .trace = call->trace, .body = buf_str(&body) },
        on_claim, claim);
    buf_free(&body);
}
