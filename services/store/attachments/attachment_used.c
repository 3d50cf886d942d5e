/* attachment_used.c - for share: which media messages show, those too that are not sent yet, and drafts, so that they stay. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/store/store.h"

static const char USED[] = "SELECT array_agg(q.media) AS media FROM unnest($1::uuid[]) AS q (media)"
                           " WHERE EXISTS (SELECT FROM attachment a WHERE a.media = q.media)"
                           " OR EXISTS (SELECT FROM scheduled s WHERE s.attachments @> ARRAY[q.media])"
                           " OR EXISTS (SELECT FROM draft d WHERE d.attachments @> ARRAY[q.media])";

enum err attachment_used(struct call *call, const struct media_ids *req, struct media_ids *rep)
{
    return pg_one(call->pg, call->arena, media_ids_shape(), rep, USED, PG_ARGS(pg_ids(call->arena, req->media)));
}
