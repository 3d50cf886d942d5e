/* avatar_open.c - reading a picture, which anybody may who knows its URL. */
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/share/avatars/avatars.h"
#include "services/share/share.h"

#define SUFFIX STR(".webp")

struct avatar_source {
    struct id source;
    int64_t size;
    struct str tag;
};
static const struct wire_field square_fields[] = { ROW_FIELD(struct avatar_source, source, ID),
    ROW_FIELD(struct avatar_source, size, INT), ROW_FIELD(struct avatar_source, tag, TEXT), ROW_END };
static const struct wire_shape square_shape = { "square", "", sizeof(struct avatar_source), square_fields };

/* Of a user who is disabled or leaves nobody is shown a picture. */
static const char FIND_SQUARE[] =
    "SELECT b.file AS source, b.size, a.picture::text || '-' || a.side AS tag FROM avatar a JOIN blob b USING (hash)"
    " LEFT JOIN directory d ON d.subject = a.owner WHERE a.picture = $1 AND a.owner = $2 AND a.side = $3"
    " AND coalesce(d.state, 'active') = 'active'";

/* "<id>.webp" */
static bool read_name(struct str file, struct id *picture)
{
    if (file.len <= SUFFIX.len || !str_eq(str_skip(file, file.len - SUFFIX.len), SUFFIX)) return false;
    return id_parse((struct str){ file.at, file.len - SUFFIX.len }, picture);
}

enum err avatar_open(struct call *call, const struct avatar_link *req, struct source *rep)
{
    char owner[ID_TEXT_BYTES + 1];
    struct avatar_source square;
    struct id picture;

    if (!read_name(req->file, &picture)) return ERR_NOT_FOUND;
    id_format(req->user, owner);
    TRY(pg_one(call->pg, call->arena, &square_shape, &square, FIND_SQUARE,
        PG_ARGS(pg_id(picture), pg_text(str_of(owner)), pg_int(req->side))));
    *rep = (struct source){ .source = square.source, .name = STR("avatar.webp"), .type = STR("image/webp") };
    rep->size = square.size;
    rep->tag = square.tag;
    rep->shown = true;
    return OK;
}
