/* methods.h - what the gateway may ask of the services: the METHOD rows of proto/, and one way to call them. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_client.h"

/* clang-format off */
enum peer_service {
#define SERVICE(name, place, doc) SERVICE_##name,
#include "proto/begin.def"
#include "proto/services.def"
#include "proto/end.def"
    SERVICE_COUNT
};

/* M_chat_room_create: several services may have a method of one name, as of jobs. */
#define METHOD_INDEX(owner, noun, verb)  METHOD_INDEX_(owner, noun, verb)
#define METHOD_INDEX_(owner, noun, verb) M_##owner##_##noun##_##verb

enum method_index {
#define METHOD(noun, verb, req, rep, where, repeat, callers, doc) METHOD_INDEX(OWNER_NAME, noun, verb),
#include "proto/all.def"
    METHOD_COUNT
};
/* clang-format on */

struct method {
    const char *name; /* "room.create" */
    const struct wire_shape *(*req)(void), *(*rep)(void);
    bool safe; /* may be sent again */
};

extern const struct method methods[METHOD_COUNT];

/* body: the request's msgpack.  `reply` comes once, later. */
void method_call(struct rpc_client *to, enum method_index method, const struct principal *who, struct str trace,
    struct str body, rpc_reply_fn *reply, void *arg);
/* The same for the gateway's own questions, with a record of the method's request shape. */
void method_ask(struct rpc_client *to, enum method_index method, const void *record, rpc_reply_fn *reply, void *arg);
/* And for those that are somebody's doing: the service's workers are shared out by subject. */
void method_ask_for(struct rpc_client *to, enum method_index method, struct str subject, const void *record,
    rpc_reply_fn *reply, void *arg);
