/* methods.c - the METHOD rows as a table, and one way to call them. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/methods.h"

#include <assert.h>

#define ASK_BYTES_MAX (1u << 20)

/* clang-format off */
#define IS_SAFE_SAFE true
#define IS_SAFE_ONCE false

const struct method methods[METHOD_COUNT] = {
#define METHOD(noun, verb, req_, rep_, where, repeat, callers, doc) \
    { .name = #noun "." #verb, .req = req_##_shape, .rep = rep_##_shape, .safe = IS_SAFE_##repeat },
#include "proto/all.def"
};
/* clang-format on */

static struct rpc_client *choose_pipe(const struct service_pipes *to, struct str body)
{
    size_t part = 0;

    if (part_of_request(body, to->n, &part)) return to->at[part];
    while (part + 1 < to->n && !rpc_client_is_up(to->at[part])) part++;
    return to->at[part];
}

void method_call(const struct service_pipes *to, enum method_index method, const struct principal *who,
    struct str trace, struct str body, rpc_reply_fn *reply, void *arg)
{
    rpc_client_call(choose_pipe(to, body),
        &(struct rpc_request){
            .method = methods[method].name, .safe = methods[method].safe, .trace = trace, .who = who, .body = body },
        reply, arg);
}

void method_ask(
    const struct service_pipes *to, enum method_index method, const void *record, rpc_reply_fn *reply, void *arg)
{
    method_ask_for(to, method, STR_NONE, record, reply, arg);
}

void method_ask_for(const struct service_pipes *to, enum method_index method, struct str subject, const void *record,
    rpc_reply_fn *reply, void *arg)
{
    struct principal who = { .sub = subject, .kind = STR("service") };
    struct buf body = BUF(ASK_BYTES_MAX);
    enum err e = wire_encode(methods[method].req(), record, &body);

    assert(e == OK);
    method_call(to, method, &who, STR_NONE, buf_str(&body), reply, arg);
    buf_free(&body);
}
