/* activity_take.c - the store hands on what rooms' logs say: what is new of it has its consequence, and the position is raised with it. */
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/wire/record.h"
#include "services/chat/activity/activity.h"
#include "services/chat/chat.h"

struct position {
    struct id room;
    int64_t seq, silent;
};
struct position_list {
    struct position *at;
    size_t len;
};
static const struct wire_field position_fields[] = {
    ROW_FIELD(struct position, room, ID),
    ROW_FIELD(struct position, seq, INT),
    ROW_FIELD(struct position, silent, INT),
    ROW_END,
};
static const struct wire_shape position_shape = { "position", "", sizeof(struct position), position_fields };

/* A span with its entries. */
struct news_piece {
    const struct feed_span *span;
    const struct message *entries;
    size_t n;
};

/* The entries that are this span's, from number *at on. */
static enum err cut_piece(struct call *call, const struct feed_batch *req, size_t *at, struct news_piece *piece)
{
    int64_t seq = piece->span->after;

    if (piece->span->seq <= seq) return call_fail(call, ERR_INVALID_ARGUMENT, "spans: one ends before it begins");
    piece->entries = &req->entries.at[*at];
    for (; *at < req->entries.len && id_eq(req->entries.at[*at].room, piece->span->room); ++*at, piece->n++) {
        const struct message *entry = &req->entries.at[*at];
        if (entry->seq <= seq || entry->seq > piece->span->seq)
            return call_fail(call, ERR_INVALID_ARGUMENT, "entries: number %zu is out of its span or its order", *at);
        seq = entry->seq;
    }
    return OK;
}

static enum err cut_pieces(struct call *call, const struct feed_batch *req, struct news_piece *pieces)
{
    size_t at = 0;

    for (size_t i = 0; i < req->spans.len; i++) {
        pieces[i] = (struct news_piece){ .span = &req->spans.at[i] };
        TRY(cut_piece(call, req, &at, &pieces[i]));
    }
    if (at < req->entries.len) return call_fail(call, ERR_INVALID_ARGUMENT, "entries: number %zu is of no span", at);
    return OK;
}

static int compare_pieces(const void *a, const void *b)
{
    const struct news_piece *left = a, *right = b;

    return memcmp(&left->span->room, &right->span->room, sizeof left->span->room);
}

static enum err sort_pieces(struct call *call, struct news_piece *pieces, size_t n)
{
    if (n > 0) qsort(pieces, n, sizeof *pieces, compare_pieces);
    for (size_t i = 1; i < n; i++)
        if (id_eq(pieces[i - 1].span->room, pieces[i].span->room))
            return call_fail(call, ERR_INVALID_ARGUMENT, "spans: two are of one room");
    return OK;
}

struct known_rooms {
    int64_t n;
    struct id_list texts; /* of these a span is taken with its texts alone */
};
static const struct wire_field known_fields[] = {
    ROW_FIELD(struct known_rooms, n, INT),
    ROW_FIELD(struct known_rooms, texts, IDS),
    ROW_END,
};
static const struct wire_shape known_shape = { "known_rooms", "", sizeof(struct known_rooms), known_fields };

/* Nobody waits for the disk: what is lost with a database is lost with the position, and comes again. */
static const char LAZY[] =
    "SELECT (SELECT count(*) FROM activity WHERE room_id = ANY ($1)) AS n, (SELECT array_agg(DISTINCT room_id) FROM"
    " webhook WHERE room_id = ANY ($1) AND NOT paused AND off IS NULL) AS texts"
    " FROM set_config('synchronous_commit', 'off', true)";
/* In the order of ids, so that two who take the same rooms' entries do not wait for each other in a circle; the last statement's
 * snapshot is younger than what it waited for.  A room's row is made once.  No room is deleted meanwhile: that takes its members first, and then this row. */
static const char BEGIN[] =
    "INSERT INTO activity (room_id) SELECT id FROM room WHERE id = ANY ($1) ORDER BY id FOR KEY SHARE"
    " ON CONFLICT DO NOTHING";
static const char LOCK[] =
    "SELECT room_id AS room, seq, silent FROM activity WHERE room_id = ANY ($1) ORDER BY room_id FOR UPDATE";

static enum err lock_positions(
    struct call *call, const struct news_piece *pieces, size_t n, struct position_list *out, struct id_list *texts)
{
    struct id_list rooms = { arena_alloc(call->arena, n * sizeof *rooms.at + 1), n };
    struct known_rooms known = { .n = 0 };

    for (size_t i = 0; i < n; i++) rooms.at[i] = pieces[i].span->room;
    const struct pg_args *args = PG_ARGS(pg_ids(call->arena, rooms));
    TRY(pg_one(call->pg, call->arena, &known_shape, &known, LAZY, args));
    *texts = known.texts;
    if (known.n < (int64_t)n) TRY(pg_run(call->pg, call->arena, BEGIN, args, NULL));
    return pg_all(call->pg, call->arena, &position_shape, out, n, LOCK, args);
}

/* What is behind the position.  What leaves a gap to it is not taken: the store goes back to where we are. */
static bool cut_news(
    const struct news_piece *piece, const struct position *position, bool wants_texts, struct activity_room *out)
{
    const struct feed_span *span = piece->span;
    size_t known = 0;

    if (span->after > position->seq || span->seq <= position->seq || (wants_texts && !span->texts)) return false;
    while (known < piece->n && piece->entries[known].seq <= position->seq) known++;
    *out = (struct activity_room){ .room = span->room,
        .silent = position->silent,
        .seq = span->seq,
        .entries = piece->entries + known,
        .n = piece->n - known,
        .texts = span->texts };
    if (span->newest > position->seq) {
        out->newest = span->newest;
        out->newest_at = span->newest_at;
        out->newest_by = span->newest_by;
    }
    return true;
}

/* Both are in the order of ids.  Of a room that is no more nothing follows: its entries are as good as taken. */
static struct activity_news find_news(struct call *call, const struct news_piece *pieces, size_t n,
    const struct position_list *positions, struct feed_taken *rep)
{
    struct activity_room *news = arena_alloc(call->arena, n * sizeof *news + 1);
    size_t n_news = 0, k = 0;

    rep->places = (struct feed_place_list){ arena_alloc(call->arena, n * sizeof *rep->places.at + 1), n };
    for (size_t i = 0; i < n; i++) {
        struct feed_place place = { pieces[i].span->room, pieces[i].span->seq };
        bool is_there = k < positions->len && id_eq(positions->at[k].room, place.room);
        bool wants_texts = ids_have(rep->texts, place.room);
        if (is_there && cut_news(&pieces[i], &positions->at[k], wants_texts, &news[n_news]))
            n_news++;
        else if (is_there)
            place.seq = positions->at[k].seq;
        k += is_there;
        rep->places.at[i] = place;
    }
    return (struct activity_news){ .rooms = news, .n = n_news };
}

static enum err follow(struct call *call, const struct activity_news *news)
{
#define FOLLOWS(function) TRY(function(call, news));
#include "services/chat/activity/follows.def"
#undef FOLLOWS
    return OK;
}

enum err activity_take(struct call *call, const struct feed_batch *req, struct feed_taken *rep)
{
    size_t n = req->spans.len;
    struct news_piece *pieces = arena_alloc(call->arena, n * sizeof *pieces + 1);
    struct position_list positions;

    TRY(cut_pieces(call, req, pieces));
    TRY(sort_pieces(call, pieces, n));
    TRY(lock_positions(call, pieces, n, &positions, &rep->texts));
    struct activity_news news = find_news(call, pieces, n, &positions, rep);
    news.voices = &req->voices;
    news.replies = &req->replies;
    news.texts = &req->texts;
    news.released = &req->released;
    return news.n > 0 ? follow(call, &news) : OK;
}
