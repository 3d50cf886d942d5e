/* feed_read.c - what a consumer has not had yet, on workers.  Each statement walks primary keys, as far as it answers;
 * OFFSET 0 keeps a plan of early days from joining whole tables. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/wire/columns.h"
#include "libshared/wire/record.h"
#include "services/store/feeds/feeds_private.h"
#include "services/store/feeds/named.h"

/* What is committed up to a head stays as it is: the three statements need no moment in common. */
static const char SPANS[] =
    "SELECT s.room, s.after, COALESCE(m.seq, s.last) AS seq FROM ("
    "  SELECT r.room, r.i, COALESCE(p.seq, 0) AS after, LEAST(h.seq, COALESCE(p.seq, 0) + $3) AS last"
    "  FROM unnest($2::uuid[]) WITH ORDINALITY AS r (room, i)"
    "  CROSS JOIN LATERAL (SELECT seq FROM room_head WHERE room_id = r.room OFFSET 0) h"
    "  LEFT JOIN LATERAL (SELECT seq FROM feed_place WHERE feed = $1 AND room_id = r.room OFFSET 0) p ON true"
    "  WHERE h.seq > COALESCE(p.seq, 0)) s"
    /* With more messages than are wanted of each room it ends with the last of these. */
    " LEFT JOIN LATERAL (SELECT seq FROM message WHERE room_id = s.room AND seq > s.after AND seq <= s.last"
    "  AND kind IS NULL ORDER BY seq OFFSET $4 - 1 LIMIT 1) m ON true ORDER BY s.i";

#define OF_SPANS "unnest($1::uuid[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS r (room, after, last, i)"
#define IN_SPAN  "WHERE room_id = r.room AND seq > r.after AND seq <= r.last"

#define HAS_AT   "position('@' IN body) > 0"
#define IF_NAMES "kind = 'message:edit' AND " HAS_AT
#define IF_WHY   "kind IN ('message:withhold', 'message:release')"
#define IS_WHOLE "r.room = ANY ($5)"

static const char ENTRIES[] =
    "SELECT r.room, l.* FROM " OF_SPANS " CROSS JOIN LATERAL ("
    "  (SELECT seq, id, sender, CASE WHEN kind IS NULL THEN body ELSE '' END AS body, at, kind, NULL::bigint AS target,"
    "   NULL::timestamptz AS target_at, CASE WHEN " IS_WHOLE " THEN thread END AS thread FROM message " IN_SPAN
    "   AND (kind IS NOT NULL OR thread IS NOT NULL OR " IS_WHOLE " OR " HAS_AT ") ORDER BY seq LIMIT $4) UNION ALL"
    "  (SELECT seq, id, sender, CASE WHEN " IS_WHOLE " OR (" IF_NAMES ") OR " IF_WHY
    " THEN body ELSE '' END, at, kind, target, CASE"
    "   WHEN " IF_NAMES " THEN (SELECT m.at FROM message m WHERE m.room_id = r.room AND m.seq = target) END, NULL"
    "   FROM change " IN_SPAN " ORDER BY seq LIMIT $4) ORDER BY seq LIMIT $4) l ORDER BY r.i, l.seq";

/* Of entries: which are replies, and to whom. */
static const char REPLIES[] =
    "SELECT e.room_id AS room, e.seq, m.at, m.sender, m.thread, o.sender AS to FROM unnest($1::uuid[], $2::bigint[])"
    " WITH ORDINALITY AS e (room_id, seq, i) CROSS JOIN LATERAL (SELECT at, sender, thread FROM message"
    "  WHERE room_id = e.room_id AND seq = e.seq AND kind IS NULL AND thread IS NOT NULL OFFSET 0) m"
    " CROSS JOIN LATERAL (SELECT sender FROM message WHERE room_id = e.room_id AND seq = m.thread OFFSET 0) o"
    " ORDER BY e.i";

/* Of entries: which have a message be read again, as it is now. */
static const char RELEASED[] =
    "SELECT e.room_id AS room, m.seq, m.at, m.sender, COALESCE(n.body, m.body) AS body FROM unnest($1::uuid[],"
    " $2::bigint[]) WITH ORDINALITY AS e (room_id, seq, i) CROSS JOIN LATERAL (SELECT target FROM change"
    "  WHERE room_id = e.room_id AND seq = e.seq AND kind = 'message:release' OFFSET 0) c"
    " CROSS JOIN LATERAL (SELECT seq, at, sender, body FROM message WHERE room_id = e.room_id AND seq = c.target"
    "  OFFSET 0) m LEFT JOIN LATERAL (SELECT body FROM message_now WHERE room_id = e.room_id AND seq = c.target"
    "  OFFSET 0) n ON true ORDER BY e.i";

static const char VOICES[] =
    "SELECT r.room, v.sender, v.seq, v.at FROM " OF_SPANS
    " CROSS JOIN LATERAL (SELECT DISTINCT ON (sender) sender, seq,"
    " at FROM message " IN_SPAN " AND kind IS NULL ORDER BY sender, seq DESC LIMIT $4) v ORDER BY r.i, v.seq";

struct voice {
    struct id room;
    struct str sender;
    int64_t seq, at;
};
struct voice_list {
    struct voice *at;
    size_t len;
};
static const struct wire_field voice_fields[] = {
    ROW_FIELD(struct voice, room, ID),
    ROW_FIELD(struct voice, sender, TEXT),
    ROW_FIELD(struct voice, seq, INT),
    ROW_FIELD(struct voice, at, TIME),
    ROW_END,
};
static const struct wire_shape voice_shape = { "voice", "", sizeof(struct voice), voice_fields };

/* A span of which as many entries came as might ends with the last of them. */
static void cut_spans(struct feed_news *news, size_t messages, size_t of_each)
{
    const struct message_list *entries = &news->batch.entries;
    size_t at = 0;

    for (size_t i = 0; i < news->batch.spans.len; i++) {
        struct feed_span *span = &news->batch.spans.at[i];
        size_t n = 0;
        for (; at < entries->len && id_eq(entries->at[at].room, span->room); at++) n++;
        if (n == of_each) span->seq = entries->at[at - 1].seq;
        if (n > 0) news->last_at[i] = entries->at[at - 1].at;
        news->is_cut[i] = n == of_each || span->seq - span->after >= (int64_t)messages;
    }
}

/* The last voice of a span has the newest message.  False: in one there are more than of_each. */
static bool take_voices(const struct voice_list *voices, size_t of_each, struct feed_news *news)
{
    size_t k = 0;

    for (size_t i = 0; i < news->batch.spans.len; i++) {
        struct feed_span *span = &news->batch.spans.at[i];
        size_t first = k;
        for (; k < voices->len && id_eq(voices->at[k].room, span->room); k++) {
            if (k - first == of_each) return false;
            const struct voice *voice = &voices->at[k];
            news->batch.voices.at[k] = (struct feed_voice){ voice->room, voice->sender, voice->seq };
            span->newest = voice->seq;
            span->newest_at = voice->at;
            span->newest_by = voice->sender;
        }
        if (span->newest_at > news->last_at[i]) news->last_at[i] = span->newest_at;
    }
    return true;
}

static enum err find_voices(struct pg *pg, struct arena *arena, size_t of_each, struct feed_news *news, bool *fits)
{
    const struct feed_span_list *spans = &news->batch.spans;
    struct voice_list voices;

    TRY(pg_all(pg, arena, &voice_shape, &voices, FEED_VOICES_MAX + FEED_ROOMS_AT_ONCE, VOICES,
        PG_ARGS(pg_ids(arena, IDS_OF(arena, *spans, room)), pg_ints(arena, INTS_OF(arena, *spans, after)),
            pg_ints(arena, INTS_OF(arena, *spans, seq)), pg_int((int64_t)of_each + 1))));
    news->batch.voices =
        (struct feed_voice_list){ arena_alloc(arena, voices.len * sizeof(struct feed_voice) + 1), voices.len };
    *fits = take_voices(&voices, of_each, news);
    return OK;
}

static enum err find_replies(struct pg *pg, struct arena *arena, struct feed_news *news)
{
    const struct message_list *entries = &news->batch.entries;

    return pg_all(pg, arena, feed_reply_shape(), &news->batch.replies, FEED_ENTRIES_MAX, REPLIES,
        PG_ARGS(pg_ids(arena, IDS_OF(arena, *entries, room)), pg_ints(arena, INTS_OF(arena, *entries, seq))));
}

static bool has_kind(const struct message_list *entries, const char *kind)
{
    size_t i = 0;

    while (i < entries->len && !str_is(entries->at[i].kind, kind)) i++;
    return i < entries->len;
}

static enum err find_released(struct pg *pg, struct arena *arena, struct feed_news *news)
{
    const struct message_list *entries = &news->batch.entries;
    struct feed_release_list *released = &news->batch.released;

    if (!has_kind(entries, "message:release")) return OK;
    TRY(pg_all(pg, arena, feed_release_shape(), released, FEED_ENTRIES_MAX, RELEASED,
        PG_ARGS(pg_ids(arena, IDS_OF(arena, *entries, room)), pg_ints(arena, INTS_OF(arena, *entries, seq)))));
    for (size_t i = 0; i < released->len; i++) released->at[i].body = named_in(arena, released->at[i].body);
    return OK;
}

enum err feed_spans(
    struct pg *pg, struct arena *arena, const char *feed, struct id_list rooms, size_t of_each, struct feed_news *out)
{
    *out = (struct feed_news){ 0 };
    return pg_all(pg, arena, feed_span_shape(), &out->batch.spans, rooms.len, SPANS,
        PG_ARGS(pg_text(str_of(feed)), pg_ids(arena, rooms), pg_int(FEED_SPAN_MAX), pg_int((int64_t)of_each)));
}

/* The beginning, whole code points of valid UTF-8. */
static struct str begin_of(struct str text)
{
    size_t chars = 0, len = 0;

    while (len < text.len && chars < FEED_TEXT_CHARS) {
        len++;
        while (len < text.len && ((unsigned char)text.at[len] & 0xC0) == 0x80) len++;
        chars++;
    }
    return (struct str){ text.at, len };
}

static struct feed_text text_of(const struct message *entry)
{
    struct str begin = begin_of(entry->body);

    return (struct feed_text){ entry->room, entry->seq, begin, begin.len < entry->body.len };
}

/* In the place of a text: whom it names, why something is withheld or not any more, or nothing. */
static struct str body_of(struct arena *arena, const struct message *entry)
{
    bool says_why = str_is(entry->kind, "message:withhold") || str_is(entry->kind, "message:release");
    bool may_name = entry->kind.len == 0 || str_is(entry->kind, "message:edit");

    return says_why ? entry->body : may_name ? named_in(arena, entry->body) : STR("");
}

/* What entries say is handed on where it is wanted; in their own place stands whom they name. */
static void place_texts(struct arena *arena, struct id_list texts, struct feed_batch *batch)
{
    batch->texts = (struct feed_text_list){ arena_alloc(arena, batch->entries.len * sizeof(struct feed_text) + 1), 0 };
    for (size_t i = 0; i < batch->spans.len; i++) batch->spans.at[i].texts = ids_have(texts, batch->spans.at[i].room);
    for (size_t i = 0; i < batch->entries.len; i++) {
        struct message *entry = &batch->entries.at[i];
        if (ids_have(texts, entry->room)) batch->texts.at[batch->texts.len++] = text_of(entry);
        entry->body = body_of(arena, entry);
    }
}

/* With so many messages of each room. */
static enum err read_spans(struct pg *pg, struct arena *arena, const char *feed, struct id_list rooms,
    struct id_list texts, size_t messages, struct feed_news *out, bool *fits)
{
    struct feed_span_list *spans = &out->batch.spans;
    size_t of_each = FEED_ENTRIES_MAX / rooms.len;

    *fits = true;
    TRY(feed_spans(pg, arena, feed, rooms, messages, out));
    if (spans->len == 0) return OK;

    TRY(pg_all(pg, arena, message_shape(), &out->batch.entries, FEED_ENTRIES_MAX, ENTRIES,
        PG_ARGS(pg_ids(arena, IDS_OF(arena, *spans, room)), pg_ints(arena, INTS_OF(arena, *spans, after)),
            pg_ints(arena, INTS_OF(arena, *spans, seq)), pg_int((int64_t)of_each), pg_ids(arena, texts))));
    cut_spans(out, messages, of_each);
    place_texts(arena, texts, &out->batch);
    if (out->batch.entries.len > 0) TRY(find_replies(pg, arena, out));
    TRY(find_released(pg, arena, out));
    return find_voices(pg, arena, FEED_VOICES_MAX / rooms.len, out, fits);
}

/* A room in which much was said by few is one span; where so many spoke that a batch has no place for them, it has as few messages as places. */
enum err feed_read(struct pg *pg, struct arena *arena, const char *feed, struct id_list rooms, struct id_list texts,
    struct feed_news *out)
{
    bool fits;

    TRY(read_spans(pg, arena, feed, rooms, texts, FEED_SPAN_MAX / rooms.len, out, &fits));
    return fits ? OK : read_spans(pg, arena, feed, rooms, texts, FEED_VOICES_MAX / rooms.len, out, &fits);
}

/* Nobody waits for the disk: a place that is lost with a database is one of before, and what follows it comes again. */
static const char LAZY[] = "SELECT set_config('synchronous_commit', 'off', true)";
static const char KEEP[] = "INSERT INTO feed_place (feed, room_id, seq) SELECT $1, room, seq FROM unnest($2::uuid[], "
                           "$3::bigint[]) AS p (room, seq)"
                           " ORDER BY room ON CONFLICT (feed, room_id) DO UPDATE SET seq = EXCLUDED.seq";

enum err feed_keep(struct pg *pg, struct arena *arena, const char *feed, struct feed_place_list places)
{
    TRY(pg_run(pg, arena, LAZY, PG_NO_ARGS, NULL));
    return pg_run(pg, arena, KEEP,
        PG_ARGS(pg_text(str_of(feed)), pg_ids(arena, IDS_OF(arena, places, room)),
            pg_ints(arena, INTS_OF(arena, places, seq))),
        NULL);
}

/* clang-format off */
#define NEXT_OF(table) "(SELECT at FROM " table " WHERE room_id = h.room_id AND seq = COALESCE(p.seq, 0) + 1)"

static const char LOOK[] =
    "SELECT h.room_id AS room, h.seq > COALESCE(p.seq, 0) AS is_late, CASE WHEN h.seq > COALESCE(p.seq, 0) THEN"
    " COALESCE(" NEXT_OF("message") ", " NEXT_OF("change") ") END AS at FROM"
    " (SELECT * FROM room_head WHERE room_id > COALESCE($2, '00000000-0000-0000-0000-000000000000'::uuid)"
    "  ORDER BY room_id LIMIT $3) h LEFT JOIN LATERAL"
    " (SELECT seq FROM feed_place WHERE feed = $1 AND room_id = h.room_id OFFSET 0) p ON true ORDER BY h.room_id";
/* clang-format on */

struct looked_at {
    struct id room;
    bool is_late;
    int64_t at;
};
struct looked_at_list {
    struct looked_at *at;
    size_t len;
};
static const struct wire_field looked_at_fields[] = {
    ROW_FIELD(struct looked_at, room, ID),
    ROW_FIELD(struct looked_at, is_late, BOOL),
    ROW_FIELD(struct looked_at, at, TIME),
    ROW_END,
};
static const struct wire_shape looked_at_shape = { "looked_at", "", sizeof(struct looked_at), looked_at_fields };

enum err feed_sweep(
    struct pg *pg, struct arena *arena, const char *feed, struct id *after, int64_t *n, struct late_room_list *out)
{
    struct looked_at_list all;

    TRY(pg_all(pg, arena, &looked_at_shape, &all, FEED_SWEPT_AT_ONCE, LOOK,
        PG_ARGS(pg_text(str_of(feed)), pg_id(*after), pg_int(FEED_SWEPT_AT_ONCE))));
    *out = (struct late_room_list){ arena_alloc(arena, all.len * sizeof *out->at + 1), 0 };
    for (size_t i = 0; i < all.len; i++)
        if (all.at[i].is_late) out->at[out->len++] = (struct late_room){ all.at[i].room, all.at[i].at };
    *n = (int64_t)all.len;
    if (all.len > 0) *after = all.at[all.len - 1].room;
    return OK;
}
