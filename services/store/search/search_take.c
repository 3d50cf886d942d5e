/* search_take.c - what rooms' logs have behind the place of search goes into its index, and the place is raised with it. */
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "libshared/base/buf.h"
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/wire/columns.h"
#include "services/store/feeds/own.h"
#include "services/store/search/search.h"

#define TOUCHED_MAX 250 /* messages that are looked at in one transaction */

/* Nobody waits for the disk: what is lost with a database is lost with the place, and comes again.  Of plans only those that look rows up,
 * as this is prepared while the tables are short. */
static const char BEGIN[] =
    "SELECT set_config('synchronous_commit', 'off', true), set_config('enable_seqscan', 'off', true),"
    " set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true)";
static const char HOLD[] = "SELECT 1 FROM search_writer FOR UPDATE SKIP LOCKED";

/* A message that an entry is, or is about. */
struct touched {
    struct id room;
    int64_t entry, seq, at;
};
struct touched_list {
    struct touched *at;
    size_t len;
};
static const struct wire_field touched_fields[] = {
    ROW_FIELD(struct touched, room, ID),
    ROW_FIELD(struct touched, entry, INT),
    ROW_FIELD(struct touched, seq, INT),
    ROW_FIELD(struct touched, at, TIME),
    ROW_END,
};
static const struct wire_shape touched_shape = { "touched", "", sizeof(struct touched), touched_fields };

#define IN_SPAN "WHERE room_id = r.room AND seq > r.after AND seq <= r.last"

static const char TOUCHED[] =
    "SELECT r.room, l.* FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS r (room, after, last, i)"
    " CROSS JOIN LATERAL ("
    "  (SELECT seq AS entry, seq, at FROM message " IN_SPAN " ORDER BY message.seq LIMIT $4) UNION ALL"
    "  (SELECT seq, target, at FROM change " IN_SPAN " AND kind IN ('message:edit', 'message:delete',"
    "   'message:withhold', 'message:release') ORDER BY change.seq LIMIT $4) ORDER BY entry LIMIT $4) l ORDER BY r.i, "
    "l.entry";

/* A span in which there was as much as might be ends with the last of it. */
static void cut_spans(struct feed_news *news, const struct touched_list *touched, size_t of_each)
{
    size_t at = 0;

    for (size_t i = 0; i < news->batch.spans.len; i++) {
        struct feed_span *span = &news->batch.spans.at[i];
        size_t n = 0;
        for (; at < touched->len && id_eq(touched->at[at].room, span->room); at++) n++;
        if (n == of_each) span->seq = touched->at[at - 1].entry;
        if (n > 0) news->last_at[i] = touched->at[at - 1].at;
        news->is_cut[i] = span->seq - span->after >= (int64_t)of_each;
    }
}

static enum err find_touched(
    struct pg *pg, struct arena *arena, size_t of_each, struct feed_news *news, struct touched_list *out)
{
    const struct feed_span_list *spans = &news->batch.spans;

    TRY(pg_all(pg, arena, &touched_shape, out, TOUCHED_MAX, TOUCHED,
        PG_ARGS(pg_ids(arena, IDS_OF(arena, *spans, room)), pg_ints(arena, INTS_OF(arena, *spans, after)),
            pg_ints(arena, INTS_OF(arena, *spans, seq)), pg_int((int64_t)of_each))));
    cut_spans(news, out, of_each);
    return OK;
}

/* --- out of the index, and into it --- */

static const char DROP[] =
    "WITH gone AS (DELETE FROM search_entry e USING (SELECT DISTINCT * FROM unnest($1::uuid[], $2::bigint[])"
    "  AS t (room, seq)) t WHERE e.room_id = t.room AND e.seq = t.seq RETURNING e.segment)"
    " UPDATE search_segment s SET n = s.n - g.n FROM (SELECT segment, count(*) AS n FROM gone GROUP BY segment) g"
    " WHERE s.id = g.segment";
static const char PUT[] =
    "WITH put AS (INSERT INTO search_entry (room_id, seq, at, segment, keys) SELECT m.room, m.seq, m.at, s.id,"
    "  (SELECT array_agg(k # s.salt) FROM unnest(m.keys::integer[]) k)"
    "  FROM unnest($1::uuid[], $2::bigint[], $3::bigint[], $4::text[]) AS m (room, seq, at, keys)"
    "  CROSS JOIN LATERAL (SELECT id, salt FROM search_segment WHERE from_at <= m.at ORDER BY from_at DESC LIMIT 1) s"
    "  ON CONFLICT DO NOTHING RETURNING segment, at)"
    " UPDATE search_segment s SET n = s.n + p.n, last_at = greatest(s.last_at, p.last_at)"
    " FROM (SELECT segment, count(*) AS n, max(at) AS last_at FROM put GROUP BY segment) p WHERE s.id = p.segment";

#define KEYS_TEXT (1u << 20) /* of one message: 20,000 numbers, each with its comma */

static struct str print_keys(struct arena *arena, const struct search_keys *keys)
{
    struct buf text = BUF(KEYS_TEXT);

    for (size_t i = 0; i < keys->len; i++) buf_printf(&text, "%c%" PRId32, i == 0 ? '{' : ',', keys->at[i]);
    buf_printf(&text, "}");
    struct str copy = arena_str(arena, buf_str(&text));
    buf_free(&text);
    return copy;
}

/* What arrays of a statement are made of. */
struct entry_columns {
    struct id_list rooms;
    int64_t *seqs, *ats;
    struct str_list keys;
};

static void add_entry(
    struct arena *arena, struct arena *scratch, struct entry_columns *c, const struct search_source *source)
{
    struct search_text text = search_fold(scratch, source->body);
    size_t i = c->rooms.len;

    if (text.len == 0) return;
    struct search_keys keys =
        search_keys_of_message(scratch, &text, source->room, source->sender, search_kinds(source));
    c->seqs[i] = source->seq;
    c->ats[i] = source->at;
    c->keys.at[i] = print_keys(arena, &keys);
    c->rooms.at[c->rooms.len++] = source->room;
}

static enum err put_entries(struct pg *pg, struct arena *arena, const struct search_source_list *sources)
{
    size_t n = sources->len;
    struct entry_columns c = { { arena_alloc(arena, n * sizeof *c.rooms.at + 1), 0 }, arena_alloc(arena, n * 8 + 1),
        arena_alloc(arena, n * 8 + 1), { arena_alloc(arena, n * sizeof *c.keys.at + 1), 0 } };

    /* bound: one message, of 10,000 characters */
    struct arena *scratch = arena_create("search", SEARCH_SCRATCH);
    for (size_t i = 0; i < n; i++) {
        add_entry(arena, scratch, &c, &sources->at[i]);
        arena_reset(scratch);
    }
    arena_destroy(&scratch);
    c.keys.len = c.rooms.len;
    return pg_run(pg, arena, PUT,
        PG_ARGS(pg_ids(arena, c.rooms), pg_ints(arena, c.seqs, c.rooms.len), pg_ints(arena, c.ats, c.rooms.len),
            pg_texts(arena, c.keys)),
        NULL);
}

/* An edit of a message that is in the span, too, is the same message twice: it is put once. */
static enum err renew(struct pg *pg, struct arena *arena, const struct touched_list *touched)
{
    struct search_source_list sources;

    if (touched->len == 0) return OK;
    struct id_list rooms = IDS_OF(arena, *touched, room);
    const int64_t *seqs = COLUMN_OF(int64_t, arena, *touched, seq);
    TRY(pg_run(pg, arena, DROP, PG_ARGS(pg_ids(arena, rooms), pg_ints(arena, seqs, touched->len)), NULL));
    TRY(search_texts(pg, arena, rooms, seqs, STR_NONE, &sources));
    TRY(put_entries(pg, arena, &sources));
    return search_tend_segments(pg, arena);
}

static enum err keep_places(struct pg *pg, struct arena *arena, const char *feed, const struct feed_span_list *spans)
{
    struct feed_place_list places = { arena_alloc(arena, spans->len * sizeof *places.at + 1), spans->len };

    for (size_t i = 0; i < spans->len; i++) places.at[i] = (struct feed_place){ spans->at[i].room, spans->at[i].seq };
    return feed_keep(pg, arena, feed, places);
}

enum err search_take(struct pg *pg, struct arena *arena, const char *feed, struct id_list rooms, struct feed_news *out)
{
    size_t of_each = TOUCHED_MAX / (rooms.len + (rooms.len == 0));
    struct touched_list touched;
    int64_t held;

    TRY(pg_run(pg, arena, BEGIN, PG_NO_ARGS, NULL));
    TRY(pg_run(pg, arena, HOLD, PG_NO_ARGS, &held));
    if (held == 0) return ERR_OVERLOADED; /* another store is at it */
    TRY(feed_spans(pg, arena, feed, rooms, of_each, out));
    if (out->batch.spans.len == 0) return OK;
    TRY(find_touched(pg, arena, of_each, out, &touched));
    TRY(renew(pg, arena, &touched));
    return keep_places(pg, arena, feed, &out->batch.spans);
}
