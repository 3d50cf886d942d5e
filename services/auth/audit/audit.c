/* audit.c - what administrators did, in a chain of hashes that the database keeps. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"

#define RECORD_BYTES_MAX 65536

static const char ADD_AUDIT[] = "SELECT audit_add($1, $2, $3, $4, $5::jsonb)";

enum err audit_add(struct call *call, const char *what, struct str target, struct str detail)
{
    call_note(call, F_STR("target", target));
    struct str who = call->who != NULL && call->who->sub.len > 0 ? call->who->sub : call->peer_name;

    return pg_run(call->pg, call->arena, ADD_AUDIT,
        PG_ARGS(pg_time(call->now), pg_text(who), pg_text(str_of(what)), pg_text(target), pg_text(detail)), NULL);
}

enum err audit_record(
    struct call *call, const char *what, struct str target, const struct wire_shape *shape, const void *record)
{
    struct buf bytes = BUF(RECORD_BYTES_MAX), json = BUF(RECORD_BYTES_MAX);
    enum err e = wire_encode(shape, record, &bytes);

    if (e == OK) e = wire_to_json(shape, buf_str(&bytes), &json);
    if (e == OK) e = audit_add(call, what, target, buf_str(&json));
    buf_free(&bytes);
    buf_free(&json);
    return e;
}
