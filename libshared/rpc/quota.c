/* quota.c - what one subject keeps, counted where it is kept. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/rpc/quota.h"

#include <stdio.h>

#include "libshared/db/pg.h"
#include "libshared/base/metrics.h"

/* clang-format off */
static const struct quota_row {
    const char *name;
    int64_t limit;
} rows[QUOTA_COUNT] = {
#define QUOTA(name, service, unit, limit, doc) { #name, limit },
#include "proto/begin.def"
#include "proto/quotas.def"
#include "proto/end.def"
};
/* clang-format on */

const char *quota_name(enum quota quota)
{
    return rows[quota].name;
}

/* A gateway vouches for those that are others for this caller. */
static int64_t limit_for(const struct principal *who, enum quota quota)
{
    for (size_t i = 0; i < who->quotas.len; i++)
        if (str_is(who->quotas.at[i].quota, rows[quota].name)) return who->quotas.at[i].limit;
    return rows[quota].limit;
}

/* No row: it would be too much. */
static const char TAKE[] =
    "INSERT INTO usage AS u (quota, subject, used) SELECT $1, $2, $3::bigint WHERE $3::bigint <= $4::bigint"
    " ON CONFLICT (quota, subject) DO UPDATE SET used = u.used + excluded.used"
    " WHERE u.used + excluded.used <= $4::bigint RETURNING quota, used";

static const char USAGE_OF_ONE[] = "SELECT quota, used FROM usage WHERE quota = $1 AND subject = $2";

static const char GIVE[] = "UPDATE usage SET used = greatest(used - $3::bigint, 0) WHERE quota = $1 AND subject = $2";

static const char USAGE_OF_ALL[] = "SELECT quota, used FROM usage WHERE subject = $1 AND used > 0 ORDER BY quota";

static void count_refusal(enum quota quota)
{
    char label[64];

    snprintf(label, sizeof label, "quota=\"%s\"", rows[quota].name);
    metric_add(metric_counter("madang_quotas_refused_total", label, "What was refused for its quota"), 1);
}

static enum err refuse_over_quota(struct call *call, enum quota quota, int64_t limit)
{
    struct usage usage = { .used = 0 };
    enum err e = pg_one(call->pg, call->arena, usage_shape(), &usage, USAGE_OF_ONE,
        PG_ARGS(pg_text(str_of(rows[quota].name)), pg_text(call->who->sub)));

    if (e != OK && e != ERR_NOT_FOUND) return e;
    count_refusal(quota);
    call->why->quota = rows[quota].name;
    call->why->limit = limit;
    call->why->used = usage.used;
    return call_fail(call, ERR_QUOTA_EXCEEDED, "%s may be %lld, and are %lld", rows[quota].name, (long long)limit,
        (long long)usage.used);
}

static enum err take(struct call *call, enum quota quota, struct str subject, int64_t amount, int64_t limit)
{
    struct usage usage = { .used = 0 };

    return pg_one(call->pg, call->arena, usage_shape(), &usage, TAKE,
        PG_ARGS(pg_text(str_of(rows[quota].name)), pg_text(subject), pg_int(amount), pg_int(limit)));
}

enum err quota_take(struct call *call, enum quota quota, int64_t amount)
{
    int64_t limit = limit_for(call->who, quota);
    enum err e = take(call, quota, call->who->sub, amount, limit);

    return e == ERR_NOT_FOUND ? refuse_over_quota(call, quota, limit) : e;
}

enum err quota_take_for(struct call *call, enum quota quota, struct str owner, int64_t amount)
{
    if (str_eq(owner, call->who->sub)) return quota_take(call, quota, amount);
    enum err e = take(call, quota, owner, amount, rows[quota].limit);
    if (e != ERR_NOT_FOUND) return e;
    count_refusal(quota);
    return call_fail(call, ERR_QUOTA_EXCEEDED, "%s of its owner's are used up", rows[quota].name);
}

enum err quota_give(struct call *call, enum quota quota, struct str subject, int64_t amount)
{
    return pg_run(call->pg, call->arena, GIVE,
        PG_ARGS(pg_text(str_of(rows[quota].name)), pg_text(subject), pg_int(amount)), NULL);
}

enum err quota_usage(struct call *call, struct str subject, struct usage_page *out)
{
    return pg_all(
        call->pg, call->arena, usage_shape(), &out->usages, QUOTA_COUNT, USAGE_OF_ALL, PG_ARGS(pg_text(subject)));
}
