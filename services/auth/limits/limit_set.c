/* limit_set.c - a rate or quota that is another than its row says. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"
#include "services/auth/keys/issuer.h"
#include "services/auth/limits/limits.h"

#define LIMITS_MAX 4096 /* proto/auth.def: trust.limits */

enum limit_scope { FOR_ALL = 0, FOR_KEYS = 1, FOR_SUBJECTS = 2 };
#define OF_ADDRESS    FOR_ALL
#define OF_CONNECTION FOR_ALL
#define OF_SESSION    FOR_ALL
#define OF_KEY        FOR_KEYS
#define OF_USER       (FOR_KEYS | FOR_SUBJECTS)
#define OF_SUBJECT    (FOR_KEYS | FOR_SUBJECTS)

/* clang-format off */
static const struct limited {
    const char *name;
    unsigned whose;
} limited[] = {
#define RATE(name, count, seconds, by, unit, doc) { #name, OF_##by },
#define QUOTA(name, service, unit, limit, doc) { #name, OF_SUBJECT },
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/quotas.def"
#include "proto/end.def"
};
/* clang-format on */

static const char LOCK_LIMITS[] = "LOCK TABLE limit_change IN SHARE ROW EXCLUSIVE MODE";

static const char PUT_LIMIT[] =
    "INSERT INTO limit_change (name, subject, key, most)"
    " SELECT $1, coalesce($2, ''), coalesce($3, ''), $4 WHERE (SELECT count(*) FROM limit_change"
    "       WHERE (name, subject, key) <> ($1, coalesce($2, ''), coalesce($3, ''))) < $5"
    " ON CONFLICT (name, subject, key) DO UPDATE SET most = excluded.most";

static const struct limited *find_row(struct str name)
{
    for (size_t i = 0; i < COUNT(limited); i++)
        if (str_is(name, limited[i].name)) return &limited[i];
    return NULL;
}

enum err limit_check(struct call *call, struct str name, struct str subject, struct str key)
{
    const struct limited *row = find_row(name);

    if (row == NULL)
        return call_fail(call, ERR_INVALID_ARGUMENT, "name: there is no rate or quota %.*s", STR_ARG(name));
    if (subject.len > 0 && key.len > 0)
        return call_fail(call, ERR_INVALID_ARGUMENT, "key: for a subject or for a key, not for both");
    if (subject.len > 0 && !(row->whose & FOR_SUBJECTS))
        return call_fail(call, ERR_INVALID_ARGUMENT, "subject: %s is not counted by subject", row->name);
    if (key.len > 0 && !(row->whose & FOR_KEYS))
        return call_fail(call, ERR_INVALID_ARGUMENT, "key: %s is not counted by subject or key", row->name);
    return OK;
}

enum err limit_check_rank(struct call *call, struct str subject, struct str key)
{
    if (subject.len > 0) return issuer_outranks_subject(call, subject);
    return key.len > 0 ? issuer_outranks_key(call, key) : issuer_outranks_all(call);
}

/* One at a time: two that are the last to find room would be one too many. */
enum err limit_put(struct call *call, const struct limit *limit)
{
    int64_t rows;

    TRY(pg_run(call->pg, call->arena, LOCK_LIMITS, PG_NO_ARGS, NULL));
    TRY(pg_run(call->pg, call->arena, PUT_LIMIT,
        PG_ARGS(pg_text(limit->name), pg_text(limit->subject), pg_text(limit->key), pg_int(limit->limit),
            pg_int(LIMITS_MAX)),
        &rows));
    return rows > 0 ? OK : call_fail(call, ERR_TOO_LARGE, "limits: there are %d of them already", LIMITS_MAX);
}

enum err limit_set(struct call *call, const struct limit *req, struct limit *rep)
{
    struct limit limit = *req;

    TRY(limit_check(call, req->name, req->subject, req->key));
    TRY(subject_spell(call, req->subject, &limit.subject));
    TRY(limit_check_rank(call, limit.subject, limit.key));
    TRY(limit_put(call, &limit));
    *rep = limit;
    TRY(audit_record(call, "limit.set", limit.name, limit_shape(), &limit));
    trust_changed(call);
    return OK;
}
