/* webhooks_follow.c - what webhooks are told follows from entries, and from changes of members and rooms: see activity.h and chat.h. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/wire/columns.h"
#include "libshared/wire/json.h"
#include "services/chat/activity/activity.h"
#include "services/chat/webhooks/webhooks.h"

#define DATA_BYTES     24576 /* one data without its text, by the bounds of its fields */
#define TOLD_MAX       10000 /* webhooks of 50 rooms */
#define MEMBERS_OF_ONE 30    /* proto/chat.def: webhook_members.members */

/* What webhooks may have to be told. */
struct told_item {
    struct id room;
    int64_t seq; /* 0: no entry */
    int64_t at, message;
    struct str type, text, data;
};
struct told_items {
    struct told_item *at;
    size_t len;
};

static const struct entry_type {
    const char *kind, *type;
} entry_types[] = {
/* clang-format off */
#define WEBHOOK_EVENT(kind, type, data, doc) { kind, type },
#include "proto/begin.def"
#include "proto/webhooks.def"
#include "proto/end.def"
    /* clang-format on */
};

/* The type of an entry; none: webhooks are not told of such. */
static struct str type_of(const struct message *entry)
{
    struct str kind = entry->kind.len > 0 ? entry->kind : STR("message");

    for (size_t i = 0; i < COUNT(entry_types); i++)
        if (str_is(kind, entry_types[i].kind)) return str_of(entry_types[i].type);
    return STR_NONE;
}

static enum err write_data(struct call *call, const struct wire_shape *shape, const void *record, struct str *out)
{
    struct buf json = BUF(DATA_BYTES);
    enum err e = wire_write_json(shape, record, &json);

    if (e == OK) *out = arena_str(call->arena, buf_str(&json));
    buf_free(&json);
    return e;
}

/* --- deliveries --- */

/* Whose job has to run, and when. */
struct told_webhook {
    struct id room, webhook;
    int64_t at; /* 0: now */
};
struct told_webhook_list {
    struct told_webhook *at;
    size_t len;
};
static const struct wire_field told_webhook_fields[] = {
    ROW_FIELD(struct told_webhook, room, ID),
    ROW_FIELD(struct told_webhook, webhook, ID),
    ROW_FIELD(struct told_webhook, at, TIME),
    ROW_END,
};
static const struct wire_shape told_webhook_shape = { "told_webhook", "", sizeof(struct told_webhook),
    told_webhook_fields };

/* An entry's id is always the same: a consumer's database that is set back makes no second one of it.  What was stored before a webhook was made it
 * is not told.  Whose server takes nothing for long has no more than so many that wait: what comes then is given up, and can be replayed.  One
 * that is held has a job, too: the run that held it may not have seen what is put now. */
static const char PUT[] =
    "WITH given AS MATERIALIZED (SELECT room_id, seq, at, type, message, text, data::jsonb AS data, i FROM"
    "  unnest($1::uuid[], $2::bigint[], $3::timestamptz[], $4::text[], $5::bigint[], $6::text[], $7::text[])"
    "  WITH ORDINALITY AS g (room_id, seq, at, type, message, text, data, i)),"
    " hooks AS MATERIALIZED (SELECT w.id, w.room_id, w.events, w.made_at, w.held_until,"
    "  (SELECT count(*) FROM (SELECT FROM webhook_delivery d WHERE d.webhook_id = w.id AND d.state = 'waiting'"
    "   LIMIT $9) n) >= $9 AS is_full FROM webhook w WHERE w.room_id IN (SELECT room_id FROM given)"
    "   AND " WEBHOOK_IS_TOLD(
        "$8") "),"
              " put AS (INSERT INTO webhook_delivery (id, webhook_id, type, at, message, text, subjects, data, state, "
              "ended_at)"
              "  SELECT CASE WHEN g.seq > 0 THEN md5(w.id || ':' || g.seq)::uuid ELSE gen_random_uuid() END, w.id, "
              "g.type, g.at,"
              "   nullif(g.message, 0), g.text, ARRAY(SELECT s FROM unnest(ARRAY[g.data->>'sender', g.data->>'by']) s "
              "WHERE s"
              "    IS NOT NULL UNION SELECT m->>'subject' FROM jsonb_array_elements(coalesce(g.data->'members', '[]')) "
              "m), g.data,"
              "   CASE WHEN w.is_full THEN 'dead' ELSE 'waiting' END, CASE WHEN w.is_full THEN now() END"
              "  FROM given g JOIN hooks w ON w.room_id = g.room_id WHERE g.at >= w.made_at"
              "   AND (w.events = '{}' OR g.type = ANY (w.events)) ORDER BY g.i, w.id ON CONFLICT (id) DO NOTHING"
              "  RETURNING webhook_id)"
              " SELECT DISTINCT w.room_id AS room, w.id AS webhook, CASE WHEN w.held_until > now() THEN w.held_until "
              "END AS at"
              " FROM put JOIN hooks w ON w.id = put.webhook_id ORDER BY 2";

static enum err put_items(struct call *call, struct told_items items)
{
    struct arena *arena = call->arena;
    struct told_webhook_list told;

    if (items.len == 0) return OK;
    TRY(pg_all(call->pg, arena, &told_webhook_shape, &told, TOLD_MAX, PUT,
        PG_ARGS(pg_ids(arena, IDS_OF(arena, items, room)), pg_ints(arena, INTS_OF(arena, items, seq)),
            pg_times(arena, INTS_OF(arena, items, at)), pg_texts(arena, TEXTS_OF(arena, items, type)),
            pg_ints(arena, INTS_OF(arena, items, message)), pg_texts(arena, TEXTS_OF(arena, items, text)),
            pg_texts(arena, TEXTS_OF(arena, items, data)), pg_texts(arena, webhook_roles(arena)),
            pg_int(chat_settings(call)->webhook_waiting_max))));
    for (size_t i = 0; i < told.len; i++) TRY(webhook_wake(call, told.at[i].room, told.at[i].webhook, told.at[i].at));
    return OK;
}

/* --- entries --- */

/* The texts of one room. */
static struct feed_text_list texts_of(const struct feed_text_list *all, struct id room)
{
    size_t from = 0, n = 0;

    while (from < all->len && !id_eq(all->at[from].room, room)) from++;
    while (from + n < all->len && id_eq(all->at[from + n].room, room)) n++;
    return (struct feed_text_list){ all->at + from, n };
}

static enum err add_entry(
    struct call *call, const struct message *entry, const struct feed_text *text, struct told_items *items)
{
    bool is_message = entry->kind.len == 0, is_edit = str_is(entry->kind, "message:edit");
    struct told_item *item = &items->at[items->len];
    const struct webhook_entry data = { .room = entry->room,
        .seq = entry->seq,
        .id = entry->id,
        .sender = entry->sender,
        .at = entry->at,
        .target = entry->target,
        .thread = entry->thread,
        .cut = text->cut };

    *item = (struct told_item){ .room = entry->room,
        .seq = entry->seq,
        .at = entry->at,
        .message = is_message ? entry->seq
                   : is_edit  ? entry->target
                              : 0,
        .type = type_of(entry),
        .text = text->text.len > 0 ? text->text : STR_NONE };
    if (item->type.len == 0) return OK;
    items->len++;
    return write_data(call, webhook_entry_shape(), &data, &item->data);
}

static enum err add_room(
    struct call *call, const struct activity_room *room, const struct feed_text_list *all, struct told_items *items)
{
    struct feed_text_list texts = texts_of(all, room->room);
    size_t k = 0;

    if (!room->texts) return OK;
    for (size_t i = 0; i < room->n; i++) {
        static const struct feed_text none = { .text = STR_NONE };
        while (k < texts.len && texts.at[k].seq < room->entries[i].seq) k++;
        bool has_text = k < texts.len && texts.at[k].seq == room->entries[i].seq;
        TRY(add_entry(call, &room->entries[i], has_text ? &texts.at[k] : &none, items));
    }
    return OK;
}

/* Words of a message that was deleted or is withheld are not told any more, whether somebody is told at all or not. */
static const char FORGET_WORDS[] =
    "UPDATE webhook_delivery d SET text = NULL FROM unnest($1::uuid[], $2::bigint[]) AS t (room_id, seq) JOIN webhook w"
    " ON w.room_id = t.room_id WHERE d.webhook_id = w.id AND d.message = t.seq AND d.text IS NOT NULL";

static enum err forget_words(struct call *call, const struct activity_news *news, size_t entries)
{
    struct told_items gone = { arena_alloc(call->arena, entries * sizeof *gone.at + 1), 0 };

    for (size_t i = 0; i < news->n; i++)
        for (size_t k = 0; k < news->rooms[i].n; k++) {
            const struct message *entry = &news->rooms[i].entries[k];
            if (!str_is(entry->kind, "message:delete") && !str_is(entry->kind, "message:withhold")) continue;
            gone.at[gone.len++] = (struct told_item){ .room = entry->room, .seq = entry->target };
        }
    if (gone.len == 0) return OK;
    return pg_run(call->pg, call->arena, FORGET_WORDS,
        PG_ARGS(pg_ids(call->arena, IDS_OF(call->arena, gone, room)),
            pg_ints(call->arena, INTS_OF(call->arena, gone, seq))),
        NULL);
}

enum err webhooks_follow(struct call *call, const struct activity_news *news)
{
    struct told_items items = { NULL, 0 };
    size_t n = 0;

    for (size_t i = 0; i < news->n; i++) n += news->rooms[i].n;
    items.at = arena_alloc(call->arena, n * sizeof *items.at + 1);
    for (size_t i = 0; i < news->n; i++) TRY(add_room(call, &news->rooms[i], news->texts, &items));
    TRY(put_items(call, items));
    return forget_words(call, news, n); /* of what was just put, too */
}

/* --- members and rooms --- */

static const char HAS_ANY[] = "SELECT FROM webhook WHERE room_id = $1 LIMIT 1";

static enum err write_members(
    struct call *call, const struct member_change *change, size_t from, size_t n, struct str *out)
{
    struct webhook_member members[MEMBERS_OF_ONE];
    const struct webhook_members data = { change->room, call->who->sub.len > 0 ? call->who->sub : STR(""),
        { members, n } };

    for (size_t i = 0; i < n; i++)
        members[i] = (struct webhook_member){ change->who.at[from + i].subject, change->who.at[from + i].role };
    return write_data(call, webhook_members_shape(), &data, out);
}

enum err webhooks_follow_members(struct call *call, const struct member_change *change)
{
    size_t n = change->who.len;
    struct told_items items = { arena_alloc(call->arena, (n / MEMBERS_OF_ONE + 1) * sizeof *items.at), 0 };
    const struct webhook_room room = { change->room, call->who->sub.len > 0 ? call->who->sub : STR("") };
    int64_t rows;

    TRY(pg_run(call->pg, call->arena, HAS_ANY, PG_ARGS(pg_id(change->room)), &rows));
    if (rows == 0) return OK;
    for (size_t from = 0; from < n || items.len == 0; from += MEMBERS_OF_ONE) {
        struct told_item *item = &items.at[items.len++];
        size_t some = n - from < MEMBERS_OF_ONE ? n - from : MEMBERS_OF_ONE;
        *item = (struct told_item){ .room = change->room,
            .at = call->now,
            .type = n > 0 ? STR("member.change") : STR("room.change"),
            .text = STR_NONE };
        TRY(n > 0 ? write_members(call, change, from, some, &item->data)
                  : write_data(call, webhook_room_shape(), &room, &item->data));
    }
    return put_items(call, items);
}
