/*
 * search_read.c - from the newest span of time on: what the index has, then what the texts say.
 *
 *      spans, 1, then 2, 4 ... at a time --index: what has all keys, in these rooms--> places, newest first, some at a time
 *                                                                                         |
 *      messages as they are now <-- enough? <-- pieces of the text <-- all words in it? <-- texts
 *
 * A query of what many have finds enough in the newest span, and one of what few have finds little in each: so spans are taken together
 * while they have little and are soon read.  A page ends when it is full, or when enough was read for it: then the next one goes on
 * where it ended.
 */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/base/clock.h"
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/wire/columns.h"
#include "services/store/search/search.h"
#include "services/store/store.h"

#define PLACES_AT_FIRST 200 /* of a group of spans: as a rule enough are what is looked for */
#define PLACES_MAX      2000
#define TEXTS_AT_ONCE   50
#define TEXTS_MAX       2000 /* that are read for one page */
#define SPANS_AT_ONCE   16
#define LITTLE          20 /* places in a group of spans, under which the next one is twice as large */
#define GROUP_US                                                                                                       \
    20000 /* of spans that took longer half as many come next: many have the words, but not in these rooms */
#define ROOMS_BY_INDEX 200 /* up to so many are looked for in the index, more are compared with what it has */
#define SPANS_MAX      100000
#define MARKS_MAX      100 /* proto/store.def: search_hit.marks */
#define FOUND_MAX      50

/* Of plans those that walk the index of keys, and compare its rows with the rooms by a hash of these: also where the statement was prepared
 * while there were few of both. */
static const char PLANS[] =
    "SELECT set_config('enable_seqscan', 'off', true), set_config('enable_nestloop', 'off', true),"
    " set_config('enable_mergejoin', 'off', true)";

/* --- spans of time --- */

struct span {
    int64_t id, from_at, salt;
    int64_t was, was_salt; /* some of it are there still; 0: none */
};
struct span_list {
    struct span *at;
    size_t len;
};
static const struct wire_field span_fields[] = {
    ROW_FIELD(struct span, id, INT),
    ROW_FIELD(struct span, from_at, INT),
    ROW_FIELD(struct span, salt, INT),
    ROW_FIELD(struct span, was, INT),
    ROW_FIELD(struct span, was_salt, INT),
    ROW_END,
};
static const struct wire_shape span_shape = { "span", "", sizeof(struct span), span_fields };

static const char SPANS[] = "SELECT s.id, s.from_at, s.salt, o.id AS was, o.salt AS was_salt FROM search_segment s"
                            " LEFT JOIN search_segment o ON o.id = s.was WHERE s.from_at <= $1 ORDER BY s.from_at DESC";

/* --- places that the index has --- */

struct place_list {
    struct search_place *at;
    size_t len;
};
static const struct wire_field place_fields[] = {
    ROW_FIELD(struct search_place, at, INT),
    ROW_FIELD(struct search_place, room, ID),
    ROW_FIELD(struct search_place, seq, INT),
    ROW_END,
};
static const struct wire_shape place_shape = { "place", "", sizeof(struct search_place), place_fields };

/* clang-format off */
#define SALTED(keys, name) \
    " CROSS JOIN LATERAL (SELECT array_agg((k # s.salt)::integer) AS keys FROM unnest(" keys ") k) " name
#define PLACES(more_keys, also)                                                                                        \
    "WITH hit AS MATERIALIZED (SELECT e.* FROM unnest($1::bigint[], $2::bigint[]) AS s (id, salt)"                     \
    SALTED("$3::bigint[]", "must") more_keys                                                                           \
    " CROSS JOIN LATERAL (SELECT room_id, seq, at FROM search_entry e WHERE e.keys @> must.keys" also                  \
    "  AND e.segment = s.id AND e.at >= $4 AND (e.at, e.room_id, e.seq) < ($5, $6, $7) OFFSET 0) e)"                   \
    " SELECT h.at, h.room_id AS room, h.seq FROM hit h JOIN unnest($8::uuid[], $9::bigint[]) AS r (room, reads_after)" \
    " ON r.room = h.room_id WHERE h.at > r.reads_after ORDER BY h.at DESC, h.room_id DESC, h.seq DESC LIMIT $10"
/* clang-format on */
static const char OF_MANY_ROOMS[] = PLACES("", "");
static const char OF_FEW_ROOMS[] = PLACES(SALTED("$11::bigint[]", "of_room"), " AND e.keys && of_room.keys");

struct reading {
    struct pg *pg;
    struct arena *arena, *scratch; /* the latter is emptied behind each few texts */
    const struct search_asking *asking;
    struct search_answer *out;
    struct search_keys keys;
    struct id_list rooms;
    int64_t *reads_after, *room_keys;
    struct span_list spans;
    struct search_place place; /* all that comes before it was looked at */
    size_t n_texts;
    struct id_list found_rooms;
    int64_t found_seqs[FOUND_MAX], found_ats[FOUND_MAX];
    struct search_pieces pieces[FOUND_MAX];
    bool is_full;
};

static int64_t *widen(struct arena *arena, struct search_keys keys)
{
    int64_t *out = arena_alloc(arena, keys.len * sizeof *out + 1);

    for (size_t i = 0; i < keys.len; i++) out[i] = keys.at[i];
    return out;
}

/* The numbers of a group of spans: one that was cut off another is looked for there, too. */
struct group {
    int64_t ids[SPANS_AT_ONCE * 2], salts[SPANS_AT_ONCE * 2];
    size_t len;
    int64_t from_at; /* of the oldest */
};

static void add_number(struct group *group, int64_t id, int64_t salt)
{
    for (size_t i = 0; i < group->len; i++)
        if (group->ids[i] == id) return;
    group->ids[group->len] = id;
    group->salts[group->len++] = salt;
}

static void make_group(struct group *group, const struct span_list *spans, size_t first, size_t n)
{
    group->len = 0;
    for (size_t i = first; i < first + n; i++) {
        add_number(group, spans->at[i].id, spans->at[i].salt);
        if (spans->at[i].was > 0) add_number(group, spans->at[i].was, spans->at[i].was_salt);
        group->from_at = spans->at[i].from_at;
    }
}

static enum err find_places(struct reading *r, const struct group *group, size_t most, struct place_list *out)
{
    const struct search_asking *asking = r->asking;
    int64_t from = asking->from > group->from_at ? asking->from : group->from_at;
    bool is_few = r->rooms.len <= ROOMS_BY_INDEX;
    struct pg_args args = *PG_ARGS(pg_ints(r->arena, group->ids, group->len),
        pg_ints(r->arena, group->salts, group->len), pg_ints(r->arena, widen(r->arena, r->keys), r->keys.len),
        pg_int(from), pg_int(r->place.at), pg_id(r->place.room), pg_int(r->place.seq), pg_ids(r->arena, r->rooms),
        pg_ints(r->arena, r->reads_after, r->rooms.len), pg_int((int64_t)most),
        pg_ints(r->arena, r->room_keys, is_few ? r->rooms.len : 0));

    if (!is_few) args.n--;
    return pg_all(r->pg, r->arena, &place_shape, out, most, is_few ? OF_FEW_ROOMS : OF_MANY_ROOMS, &args);
}

/* --- what the texts say --- */

static bool is_asked_for(const struct search_asking *asking, const struct search_source *source)
{
    return (asking->sender.len == 0 || str_eq(asking->sender, source->sender)) &&
           (search_kinds(source) & asking->kinds) == asking->kinds;
}

static void see_text(struct reading *r, const struct search_source *source)
{
    size_t n = r->found_rooms.len;

    if (!is_asked_for(r->asking, source)) return;
    struct search_text text = search_fold(r->scratch, source->body);
    if (!search_match(r->arena, &text, &r->asking->words, MARKS_MAX, &r->pieces[n])) return;
    r->found_seqs[n] = source->seq;
    r->found_ats[n] = source->at;
    r->found_rooms.at[r->found_rooms.len++] = source->room;
}

static bool is_at(const struct search_place *place, const struct search_source *source)
{
    return place->seq == source->seq && id_eq(place->room, source->room);
}

/* Texts come in the order of their places; of a place that was deleted there is none. */
static void see_texts(struct reading *r, const struct place_list *places, const struct search_source_list *texts)
{
    size_t k = 0;

    for (size_t i = 0; i < places->len && !r->is_full; i++) {
        r->place = places->at[i];
        if (k < texts->len && is_at(&places->at[i], &texts->at[k])) see_text(r, &texts->at[k++]);
        r->is_full = (int64_t)r->found_rooms.len == r->asking->limit;
    }
}

static enum err read_some_texts(struct reading *r, const struct place_list *places)
{
    struct search_source_list texts;
    enum err e = search_texts(r->pg, r->scratch, IDS_OF(r->scratch, *places, room),
        COLUMN_OF(int64_t, r->scratch, *places, seq), r->asking->reader, &texts);

    if (e == OK) see_texts(r, places, &texts);
    r->n_texts += places->len;
    arena_reset(r->scratch);
    return e;
}

static bool is_enough(const struct reading *r)
{
    return r->is_full || r->n_texts >= TEXTS_MAX || clock_mono_us() >= r->asking->until_us;
}

static enum err read_texts(struct reading *r, const struct place_list *places)
{
    for (size_t i = 0; i < places->len && !r->is_full; i += TEXTS_AT_ONCE) {
        size_t left = places->len - i;
        TRY(read_some_texts(r, &(struct place_list){ places->at + i, left < TEXTS_AT_ONCE ? left : TEXTS_AT_ONCE }));
    }
    return OK;
}

/* --- from span to span --- */

/* All that the group has, or as much as is enough. */
static enum err read_group(struct reading *r, const struct group *group, size_t *n)
{
    struct place_list places;
    size_t most = PLACES_AT_FIRST;

    *n = 0;
    do {
        TRY(find_places(r, group, most, &places));
        TRY(read_texts(r, &places));
        *n += places.len;
        if (places.len < most && !r->is_full) {
            r->place = (struct search_place){ .at = group->from_at }; /* what comes next is older */
            return OK;
        }
        most = PLACES_MAX;
    } while (!is_enough(r));
    return OK;
}

static size_t how_many_next(size_t at_once, size_t n_places, int64_t took_us)
{
    if (took_us > GROUP_US) return at_once > 1 ? at_once / 2 : 1;
    return n_places < LITTLE && at_once < SPANS_AT_ONCE ? at_once * 2 : at_once;
}

static enum err read_spans(struct reading *r)
{
    size_t at_once = 1, i = 0, n;
    struct group group;

    do { /* one step at least, so that a page is never in vain */
        size_t left = r->spans.len - i, some = at_once < left ? at_once : left;
        int64_t began = clock_mono_us();
        make_group(&group, &r->spans, i, some);
        TRY(read_group(r, &group, &n));
        i += some;
        at_once = how_many_next(at_once, n, clock_mono_us() - began);
    } while (i < r->spans.len && group.from_at > r->asking->from && !is_enough(r));
    r->out->is_done = !r->is_full && r->place.at <= (r->asking->from > 0 ? r->asking->from : 0) && r->place.seq == 0;
    return OK;
}

/* --- what was found --- */

static struct search_hit make_hit(struct reading *r, struct message_view *view, const struct search_pieces *pieces)
{
    struct search_mark *marks = arena_alloc(r->arena, pieces->len * sizeof *marks + 1);

    for (size_t i = 0; i < pieces->len; i++)
        marks[i] = (struct search_mark){ pieces->at[i].from, pieces->at[i].until - pieces->at[i].from };
    return (struct search_hit){ view, { marks, pieces->len } };
}

/* A page that ended early for its bytes goes on behind the last message that is on it. */
static enum err show_found(struct reading *r)
{
    struct search_answer *out = r->out;
    struct message_view_list views = { NULL, 0 };
    size_t n = r->found_rooms.len;

    out->found = (struct search_hit_list){ arena_alloc(r->arena, (n + 1) * sizeof *out->found.at), 0 };
    out->next = r->place;
    if (n == 0) return OK;
    TRY(history_these(r->pg, r->arena, r->found_rooms, r->found_seqs, r->asking->reader, &views));
    for (size_t i = 0; i < views.len; i++) out->found.at[out->found.len++] = make_hit(r, &views.at[i], &r->pieces[i]);
    if (views.len == n) return OK;
    out->next = (struct search_place){ r->found_ats[views.len - 1], r->found_rooms.at[views.len - 1],
        r->found_seqs[views.len - 1] };
    out->is_done = false;
    return OK;
}

static void note_rooms(struct reading *r)
{
    const struct readable_room_list *rooms = &r->asking->rooms;
    size_t n = rooms->len;

    r->rooms = IDS_OF(r->arena, *rooms, room);
    r->reads_after = arena_alloc(r->arena, n * sizeof *r->reads_after + 1);
    r->room_keys = arena_alloc(r->arena, n * sizeof *r->room_keys + 1);
    for (size_t i = 0; i < n; i++) {
        r->reads_after[i] = rooms->at[i].reads_after > 0 ? rooms->at[i].reads_after : -1;
        r->room_keys[i] = search_key_of_room(rooms->at[i].room);
    }
}

static enum err read_all(struct reading *r)
{
    TRY(pg_all(r->pg, r->arena, &span_shape, &r->spans, SPANS_MAX, SPANS, PG_ARGS(pg_int(r->place.at))));
    TRY(read_spans(r));
    return show_found(r);
}

enum err search_read(struct pg *pg, struct arena *arena, const struct search_asking *asking, struct search_answer *out)
{
    struct reading r = { .pg = pg, .arena = arena, .asking = asking, .out = out, .place = asking->behind };

    TRY(pg_one_snapshot(pg, arena));
    TRY(pg_run(pg, arena, PLANS, PG_NO_ARGS, NULL));
    r.keys = search_keys_of_query(arena, &asking->words, asking->sender, asking->kinds);
    r.found_rooms.at = arena_alloc(arena, FOUND_MAX * sizeof *r.found_rooms.at);
    note_rooms(&r);
    /* bound: TEXTS_AT_ONCE messages */
    r.scratch = arena_create("search", SEARCH_SCRATCH);
    enum err e = read_all(&r);
    arena_destroy(&r.scratch);
    return e;
}
