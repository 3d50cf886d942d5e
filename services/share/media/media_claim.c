/* media_claim.c - for store: may their owner show these media in a message?  Then they stay for as long as that may take, and as what is
 * used no more. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/share/share.h"

#define RETRY_AFTER_MS 500 /* an image is read in less, as a rule */
#define MESSAGE_S      180 /* a message is in the log by then, or never: far more than any deadline */

/* Two who claim the same wait for each other in one order; whoever collects has them, or leaves them. */
static const char CLAIM[] =
    "WITH own AS (SELECT id FROM media WHERE id = ANY ($1) AND owner = $2 ORDER BY id FOR UPDATE)"
    " UPDATE media m SET use = 'shown', due_at = $3 FROM own WHERE m.id = own.id"
    " RETURNING m.id, m.name, m.type, m.size, m.created_at, m.state, m.fault";

static const struct media *find_medium(struct media_list media, struct id id)
{
    for (size_t i = 0; i < media.len; i++)
        if (id_eq(media.at[i].id, id)) return &media.at[i];
    return NULL;
}

static enum err check_medium(struct call *call, struct id id, const struct media *medium)
{
    char text[ID_TEXT_BYTES + 1];

    id_format(id, text);
    if (medium == NULL) return call_fail(call, ERR_NOT_FOUND, "no file of yours is %s", text);
    if (str_is(medium->state, "ready")) return OK;
    if (!str_is(medium->state, "pending"))
        return call_fail(call, ERR_UNPROCESSABLE, "%s is not a file that can be shown", text);
    call->why->retry_after_ms = RETRY_AFTER_MS;
    return call_fail(call, ERR_MEDIA_PENDING, "%s is not read yet", text);
}

enum err media_claim(struct call *call, const struct media_claim *req, struct nothing *rep)
{
    struct media_list media = { NULL, 0 };
    int64_t due_at = call->now + (share_settings(call)->unused_s + MESSAGE_S) * 1000;

    (void)rep;
    TRY(pg_all(call->pg, call->arena, media_shape(), &media, req->media.len, CLAIM,
        PG_ARGS(pg_ids(call->arena, req->media), pg_text(req->owner), pg_time(due_at))));
    for (size_t i = 0; i < req->media.len; i++)
        TRY(check_medium(call, req->media.at[i], find_medium(media, req->media.at[i])));
    return OK;
}
