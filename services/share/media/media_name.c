/* media_name.c - for store: what media are called that it knows by their ids. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/share/share.h"

static const char NAMES[] = "SELECT id, name, type, size FROM media WHERE id = ANY ($1) ORDER BY id";

enum err media_name(struct call *call, const struct media_ids *req, struct export_media *rep)
{
    return pg_all(call->pg, call->arena, export_medium_shape(), &rep->media, req->media.len, NAMES,
        PG_ARGS(pg_ids(call->arena, req->media)));
}
