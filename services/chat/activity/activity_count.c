/* activity_count.c - how many messages of a room there are to be read behind any place of it: see counted_after() in migrations/chat. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/activity/activity.h"

enum { SILENT, COUNTS };

/* clang-format off */
bool activity_counts(const struct message *entry)
{
    static const struct { const char *name; int unread; } rows[] = {
#define ENTRY(kind, name, about, heard, unread, effect, doc) { name, unread },
#include "proto/begin.def"
#include "proto/entries.def"
#include "proto/end.def"
    };

    if (entry->kind.len == 0) return true; /* a message */
    for (size_t i = 0; i < COUNT(rows); i++)
        if (str_is(entry->kind, rows[i].name)) return rows[i].unread == COUNTS;
    return false; /* of a later version */
}
/* clang-format on */

/* Columns of rows, as arrays. */
struct count_columns {
    struct id_list rooms;
    int64_t *a, *b, *c, *d;
    struct str *text;
};

static struct count_columns make_columns(struct arena *arena, size_t n)
{
    return (struct count_columns){ { arena_alloc(arena, n * sizeof(struct id) + 1), 0 }, arena_alloc(arena, n * 8 + 1),
        arena_alloc(arena, n * 8 + 1), arena_alloc(arena, n * 8 + 1), arena_alloc(arena, n * 8 + 1),
        arena_alloc(arena, n * sizeof(struct str) + 1) };
}

static size_t entries_of(const struct activity_news *news)
{
    size_t n = 0;

    for (size_t i = 0; i < news->n; i++) n += news->rooms[i].n;
    return n;
}

static const char RAISE[] =
    "UPDATE activity a SET seq = u.seq, silent = u.silent, message_seq = "
    "coalesce(nullif(u.message_seq, 0), a.message_seq),"
    " message_at = CASE WHEN u.message_seq = 0 THEN a.message_at"
    " ELSE timestamptz 'epoch' + u.message_at * interval '1 millisecond' END,"
    " message_by = coalesce(u.message_by, a.message_by), changed_at = now()"
    " FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[])"
    " AS u (room_id, seq, silent, message_seq, message_at, message_by)"
    " WHERE a.room_id = u.room_id";
static const char KEEP_SILENT[] = "INSERT INTO activity_silent (room_id, seq, n)"
                                  " SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bigint[])";

static void count_room(const struct activity_room *room, struct count_columns *silent, struct count_columns *raised)
{
    size_t nth = raised->rooms.len++;
    int64_t n = room->silent;

    for (size_t i = 0; i < room->n; i++) {
        const struct message *entry = &room->entries[i];
        if (activity_counts(entry)) continue;
        silent->a[silent->rooms.len] = entry->seq;
        silent->b[silent->rooms.len] = ++n;
        silent->rooms.at[silent->rooms.len++] = room->room;
    }
    raised->rooms.at[nth] = room->room;
    raised->a[nth] = room->seq;
    raised->b[nth] = n;
    raised->c[nth] = room->newest;
    raised->d[nth] = room->newest_at;
    raised->text[nth] = room->newest_by;
}

enum err activity_count(struct call *call, const struct activity_news *news)
{
    struct arena *arena = call->arena;
    struct count_columns silent = make_columns(arena, entries_of(news)), raised = make_columns(arena, news->n);

    for (size_t i = 0; i < news->n; i++) count_room(&news->rooms[i], &silent, &raised);
    size_t n = raised.rooms.len, n_silent = silent.rooms.len;
    TRY(pg_run(call->pg, arena, RAISE,
        PG_ARGS(pg_ids(arena, raised.rooms), pg_ints(arena, raised.a, n), pg_ints(arena, raised.b, n),
            pg_ints(arena, raised.c, n), pg_ints(arena, raised.d, n),
            pg_texts(arena, (struct str_list){ raised.text, n })),
        NULL));
    if (n_silent == 0) return OK;
    return pg_run(call->pg, arena, KEEP_SILENT,
        PG_ARGS(pg_ids(arena, silent.rooms), pg_ints(arena, silent.a, n_silent), pg_ints(arena, silent.b, n_silent)),
        NULL);
}

/* One that did not count, as the server's own, is no target. */
static const char KEEP_DELETED[] =
    "INSERT INTO activity_deleted (room_id, seq) SELECT * FROM unnest($1::uuid[], $2::bigint[]) ON CONFLICT DO NOTHING";

enum err activity_note_deletions(struct call *call, const struct activity_news *news)
{
    struct count_columns deleted = make_columns(call->arena, entries_of(news));

    for (size_t i = 0; i < news->n; i++)
        for (size_t k = 0; k < news->rooms[i].n; k++) {
            const struct message *entry = &news->rooms[i].entries[k];
            if (!str_is(entry->kind, "message:delete")) continue;
            deleted.a[deleted.rooms.len] = entry->target;
            deleted.rooms.at[deleted.rooms.len++] = news->rooms[i].room;
        }
    if (deleted.rooms.len == 0) return OK;
    return pg_run(call->pg, call->arena, KEEP_DELETED,
        PG_ARGS(pg_ids(call->arena, deleted.rooms), pg_ints(call->arena, deleted.a, deleted.rooms.len)), NULL);
}
