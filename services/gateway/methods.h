/* methods.h - what the gateway may ask of the services: the METHOD rows of proto/, and one way to call them. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/parts.h"
#include "libshared/rpc/rpc_client.h"

/* clang-format off */
enum peer_service {
#define SERVICE(name, place, parts, doc) SERVICE_##name,
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

/* The pipes to the processes of one service: a request that names a room goes to the one that has it, any other to one that
 * is there. */
struct service_pipes {
    size_t n;
    struct rpc_client *at[PARTS_MAX];
};

/* One of them; n is 1 for a service that has but one. */
struct service_part {
    enum peer_service service;
    size_t index, n;
};
/* Does that process speak for this room? */
static inline bool part_has_room(struct service_part part, struct id room_id)
{
    return part_of(room_id, part.n) == part.index;
}

/* body: the request's msgpack.  `reply` comes once, later. */
void method_call(const struct service_pipes *to, enum method_index method, const struct principal *who,
    struct str trace, struct str body, rpc_reply_fn *reply, void *arg);
/* The same for the gateway's own questions, with a record of the method's request shape. */
void method_ask(
    const struct service_pipes *to, enum method_index method, const void *record, rpc_reply_fn *reply, void *arg);
/* And for those that are somebody's doing: the service's workers are shared out by subject. */
void method_ask_for(const struct service_pipes *to, enum method_index method, struct str subject, const void *record,
    rpc_reply_fn *reply, void *arg);
