/* rpc_rows.h - what becomes of a METHOD row: a prototype, an adapter, a table row.
 *
 *      #define METHOD RPC_PROTOTYPE       then begin.def, <service>.def, end.def: prototypes of the handlers
 *      #define METHOD RPC_ADAPTER         functions with the table's type
 *      #define METHOD RPC_ROW             rows of a struct rpc_method[]
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_server.h"

/* clang-format off */
#define RPC_PROTOTYPE(noun, verb, in, out, where, repeat, callers, doc) RPC_PROTOTYPE_##where(noun, verb, in, out)
#define RPC_PROTOTYPE_LOOP(noun, verb, in, out) \
    enum err noun##_##verb(struct call *call, const struct in *req, struct out *rep) MUST_CHECK;
#define RPC_PROTOTYPE_WORKER   RPC_PROTOTYPE_LOOP
#define RPC_PROTOTYPE_BLOCKING RPC_PROTOTYPE_LOOP
#define RPC_PROTOTYPE_LATER(noun, verb, in, out) \
    void noun##_##verb(struct call *call, const struct in *req, struct rpc_later *later);

#define RPC_ADAPTER(noun, verb, in, out, where, repeat, callers, doc) RPC_ADAPTER_##where(noun, verb, in, out)
#define RPC_ADAPTER_LOOP(noun, verb, in, out) \
    static enum err run_##noun##_##verb(struct call *call, const void *req, void *rep) \
    { return noun##_##verb(call, req, rep); }
#define RPC_ADAPTER_WORKER   RPC_ADAPTER_LOOP
#define RPC_ADAPTER_BLOCKING RPC_ADAPTER_LOOP
#define RPC_ADAPTER_LATER(noun, verb, in, out) \
    static void begin_##noun##_##verb(struct call *call, const void *req, struct rpc_later *later) \
    { noun##_##verb(call, req, later); }

#define RPC_ROW(noun, verb, in, out, where_, repeat_, callers_, doc) \
    { .name = #noun "." #verb, .req = in##_shape, .rep = out##_shape, .where = where_, .repeat = repeat_, \
      .callers = callers_, RPC_RUN_##where_(noun, verb) },
#define RPC_RUN_LOOP(noun, verb)     .run = run_##noun##_##verb
#define RPC_RUN_WORKER(noun, verb)   .run = run_##noun##_##verb
#define RPC_RUN_BLOCKING(noun, verb) .run = run_##noun##_##verb
#define RPC_RUN_LATER(noun, verb)    .begin = begin_##noun##_##verb
/* clang-format on */
