/* room_find.c - listed rooms are found by their names, by whoever may ask: a page costs what it shows, however many there are. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/wire/columns.h"
#include "services/chat/chat.h"

#define PAGE_MAX 50 /* proto/chat.def: room_search.limit */

/* A name's piece that begins with what is looked for. */
struct found_name {
    struct id room;
    struct str key;
};
struct found_name_list {
    struct found_name *at;
    size_t len;
};
static const struct wire_field found_name_fields[] = {
    ROW_FIELD(struct found_name, room, ID),
    ROW_FIELD(struct found_name, key, TEXT),
    ROW_END,
};
static const struct wire_shape found_name_shape = { "found_name", "", sizeof(struct found_name), found_name_fields };

/* Of several pieces of a name the first one counts.  U+10FFFF is behind all that begins with the same. */
#define SOUGHT "(SELECT room_key($2))"
#define PAGE                                                                                                           \
    " AND (k.key, k.room_id) > ($3, coalesce($4, '00000000-0000-0000-0000-000000000000'::uuid)) AND NOT EXISTS "       \
    "(SELECT FROM ban b WHERE b.room_id = k.room_id AND b.subject"                                                     \
    " = $1 AND (b.banned_until IS NULL OR b.banned_until > $5)) ORDER BY k.key, k.room_id LIMIT $6"
static const char BY_NAME[] =
    "SELECT k.room_id AS room, k.key FROM listed_name k WHERE k.key >= " SOUGHT " AND k.key < " SOUGHT
    " || U&'\\+10FFFF' AND NOT EXISTS (SELECT FROM listed_name f WHERE f.room_id = k.room_id AND f.key >= " SOUGHT
    " AND f.key < k.key)" PAGE;
static const char ALL[] = "SELECT k.room_id AS room, k.key FROM listed_name k WHERE k.is_whole AND $2 = ''" PAGE;

static const char ROOMS[] =
    "SELECT " ROOM_COLUMNS " FROM unnest($2::uuid[]) WITH ORDINALITY AS p (room, n) JOIN room r ON r.id = p.room LEFT"
    " JOIN member m ON m.room_id = r.id AND m.subject = $1 ORDER BY p.n";

static enum err read_place(struct call *call, struct str after, struct found_name *out)
{
    *out = (struct found_name){ .key = STR("") };
    if (after.len == 0) return OK;
    struct str room = str_cut(&after, '.');
    out->key = after;
    return id_parse(room, &out->room) ? OK : call_fail(call, ERR_INVALID_ARGUMENT, "after: no page has given that");
}

static struct str print_place(struct call *call, const struct found_name *last)
{
    char id[ID_TEXT_BYTES + 1];

    id_format(last->room, id);
    return arena_printf(call->arena, "%s.%.*s", id, STR_ARG(last->key));
}

enum err room_find(struct call *call, const struct room_search *req, struct room_finds *rep)
{
    struct found_name_list names;
    struct found_name place;
    struct room_list rooms;

    TRY(require_subject(call));
    TRY(read_place(call, req->after, &place));
    TRY(pg_all(call->pg, call->arena, &found_name_shape, &names, PAGE_MAX, req->q.len > 0 ? BY_NAME : ALL,
        PG_ARGS(pg_text(call->who->sub), pg_text(req->q.len > 0 ? req->q : STR("")), pg_text(place.key),
            pg_id(place.room), pg_time(call->now), pg_int(req->limit))));
    TRY(pg_all(call->pg, call->arena, room_shape(), &rooms, PAGE_MAX, ROOMS,
        PG_ARGS(pg_text(call->who->sub), pg_ids(call->arena, IDS_OF(call->arena, names, room)))));
    rep->rooms = (struct room_front_list){ arena_alloc(call->arena, rooms.len * sizeof *rep->rooms.at + 1), rooms.len };
    for (size_t i = 0; i < rooms.len; i++) rep->rooms.at[i] = room_front_of(call, &rooms.at[i]);
    if ((int64_t)names.len == req->limit) rep->next = print_place(call, &names.at[names.len - 1]);
    return OK;
}
