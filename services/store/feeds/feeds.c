/* feeds.c - the loop's side: which rooms have something for a consumer, one batch at a time for each part of chat. */
// SPDX-License-Identifier: Apache-2.0
#include "services/store/feeds/feeds.h"

#include <assert.h>
#include <ev.h>
#include <string.h>
#include <utlist.h>

#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/base/metrics.h"
#include "libshared/base/table.h"
#include "services/store/feeds/own.h"

#define ROOMS_MAX   100000 /* that are remembered to be late; a sweep finds the others */
#define LOOK_S      0.1    /* so long a batch waits for company */
#define SHARE       0.2    /* of the time, for batches while nothing is late */
#define LATE_MS     1000
#define SWEEP_S     60
#define RETRY_S     0.5
#define LOOKED_AT   100 /* rooms, when it is asked how late a consumer is */
#define TOLD_S      60  /* how often it is said that a consumer is late */
#define BATCH_BYTES (8u << 20)
#define TEXTS_MAX   10000 /* rooms that are remembered to be wanted with texts; of others a batch comes twice */

struct noted_room {
    UT_hash_handle hh;
    struct noted_room *prev, *next;
    struct id id;
    int64_t at; /* of what it has for the consumer the first was stored then */
};

/* A room of which the consumer takes spans with texts alone. */
struct texts_room {
    UT_hash_handle hh;
    struct id id;
};

/* A consumer at one part of chat. */
struct lane {
    struct log_feed *feed;
    const struct chat_part *part;       /* NULL: the store's own, of all parts */
    struct noted_room *rooms, *waiting; /* the table, and those that wait the longest first */
    size_t n;
    size_t most; /* rooms in a batch */
    struct late_room taken[FEED_ROOMS_AT_ONCE];
    struct id ids[FEED_ROOMS_AT_ONCE];
    size_t n_taken;
    int64_t last[FEED_ROOMS_AT_ONCE], last_at[FEED_ROOMS_AT_ONCE]; /* seq that was handed on; 0: nothing was */
    bool is_cut[FEED_ROOMS_AT_ONCE];                               /* there may be more of it */
    struct texts_room *texts;
    struct id texts_ids[FEED_ROOMS_AT_ONCE]; /* those of the taken rooms */
    size_t n_texts;
    bool wants_texts[FEED_ROOMS_AT_ONCE]; /* as it was answered */
    int64_t n_entries;
    struct buf bytes; /* of the batch, then of the answer to it: while a worker has the lane it is theirs */
    bool is_busy;
    ev_tstamp began, not_before;
};

struct log_feed {
    const char *name, *method;
    feed_take_fn *take; /* in the place of a method */
    struct log_feeds *feeds;
    struct lane lanes[PARTS_MAX];
    size_t n_lanes;
    struct id swept; /* up to this room */
    struct late_room_list found;
    int64_t n_looked_at;
    bool is_looking, sweeps, has_missed, has_swept;
    ev_tstamp sweep_at, told_at;
    struct metric *handed, *late_rooms, *late;
};

struct log_feeds {
    struct store *store;
    struct ev_loop *loop;
    struct rpc_server *server;
    ev_timer look;
    struct log_feed feeds[FEEDS];
};

/* Consumers that are the store's own. */
static feed_take_fn *const own[FEEDS] = { [FEED_search] = search_take };

static void go_on(struct lane *lane);

/* --- rooms that have something --- */

static void note_room(struct lane *lane, struct id id, int64_t at)
{
    struct noted_room *room;

    HASH_FIND(hh, lane->rooms, &id, sizeof id, room);
    if (room != NULL) {
        if (at > 0 && at < room->at) room->at = at; /* noted meanwhile for what is newer */
        return;
    }
    if (lane->n >= ROOMS_MAX) {
        lane->feed->has_missed = true;
        return;
    }
    room = mem_zero(sizeof *room);
    room->id = id;
    room->at = at > 0 ? at : clock_ms();
    HASH_ADD(hh, lane->rooms, id, sizeof room->id, room);
    DL_APPEND(lane->waiting, room);
    lane->n++;
}

static void forget_room(struct lane *lane, struct noted_room *room)
{
    DL_DELETE(lane->waiting, room);
    HASH_DEL(lane->rooms, room);
    lane->n--;
    mem_free(room);
}

static struct lane *lane_of(struct log_feed *feed, struct id room)
{
    return &feed->lanes[part_of(room, feed->n_lanes)];
}

void feeds_note(struct log_feeds *feeds, struct id room, int64_t at)
{
    for (size_t i = 0; i < FEEDS; i++)
        if (feeds->feeds[i].n_lanes > 0) note_room(lane_of(&feeds->feeds[i], room), room, at);
}

/* --- a batch: read, handed on, kept --- */

static void take_rooms(struct lane *lane)
{
    struct texts_room *texts;

    lane->n_taken = 0;
    lane->n_texts = 0;
    while (lane->waiting != NULL && lane->n_taken < lane->most) {
        struct noted_room *room = lane->waiting;
        lane->taken[lane->n_taken] = (struct late_room){ room->id, room->at };
        HASH_FIND(hh, lane->texts, &room->id, sizeof room->id, texts);
        if (texts != NULL) lane->texts_ids[lane->n_texts++] = room->id;
        lane->ids[lane->n_taken++] = room->id;
        forget_room(lane, room);
    }
}

/* All of it comes again: nothing was done, or a repeat tells.  Behind the others, and at first room by room: so one of which
 * nothing can be written holds up no other. */
static void fail_batch(struct lane *lane)
{
    for (size_t i = 0; i < lane->n_taken; i++) note_room(lane, lane->taken[i].room, lane->taken[i].at);
    lane->is_busy = false;
    lane->most = 1;
    lane->not_before = ev_now(lane->feed->feeds->loop) + RETRY_S;
}

/* Among the first so many that wait: what failed stands behind the others, so the first alone says little. */
static int64_t oldest_of(const struct lane *lane, size_t most)
{
    int64_t oldest = INT64_MAX;
    size_t n = 0;

    for (const struct noted_room *room = lane->waiting; room != NULL && n < most; room = room->next, n++)
        if (room->at < oldest) oldest = room->at;
    for (size_t i = 0; lane->is_busy && i < lane->n_taken; i++)
        if (lane->taken[i].at < oldest) oldest = lane->taken[i].at;
    return oldest;
}

static bool waits_for(const struct lane *lane, int64_t ms)
{
    int64_t oldest = oldest_of(lane, LOOKED_AT);

    return oldest != INT64_MAX && clock_ms() - oldest >= ms;
}

/* Messages wait for what is done meanwhile: each has a share of the time, and rests after a batch.  The store's own keeps to it. */
static ev_tstamp rest_of(const struct lane *lane)
{
    const struct log_feeds *feeds = lane->feed->feeds;
    bool is_own = lane->part == NULL;
    double share = is_own ? (double)feeds->store->settings->search_percent / 100 : SHARE;

    return is_own || !waits_for(lane, LATE_MS) ? (ev_now(feeds->loop) - lane->began) * (1 / share - 1) : 0;
}

static void end_batch(struct lane *lane)
{
    bool has_more = false;

    for (size_t i = 0; i < lane->n_taken; i++) {
        if (!lane->is_cut[i]) continue;
        note_room(lane, lane->taken[i].room, lane->last_at[i] > 0 ? lane->last_at[i] : lane->taken[i].at);
        has_more = true;
    }
    lane->most = lane->most * 2 < FEED_ROOMS_AT_ONCE ? lane->most * 2 : FEED_ROOMS_AT_ONCE;
    lane->is_busy = false;
    has_more |= waits_for(lane, (int64_t)(LOOK_S * 1000));
    lane->not_before = ev_now(lane->feed->feeds->loop) + rest_of(lane);
    if (has_more) go_on(lane);
}

static void forget_texts(struct lane *lane)
{
    struct texts_room *room, *next;

    HASH_ITER(hh, lane->texts, room, next) {
        HASH_DEL(lane->texts, room);
        mem_free(room);
    }
}

static void set_texts(struct lane *lane, struct id id, bool wanted)
{
    struct texts_room *room;

    HASH_FIND(hh, lane->texts, &id, sizeof id, room);
    if (room != NULL && !wanted) {
        HASH_DEL(lane->texts, room);
        mem_free(room);
    }
    if (room != NULL || !wanted) return;
    if (HASH_COUNT(lane->texts) >= TEXTS_MAX) forget_texts(lane);
    room = mem_zero(sizeof *room);
    room->id = id;
    HASH_ADD(hh, lane->texts, id, sizeof room->id, room);
}

static void remember_texts(struct lane *lane)
{
    for (size_t i = 0; lane->part != NULL && i < lane->n_taken; i++)
        if (lane->last[i] > 0) set_texts(lane, lane->ids[i], lane->wants_texts[i]);
}

static void on_kept(void *arg, enum err e)
{
    struct lane *lane = arg;

    if (e == OK) remember_texts(lane);
    if (e == OK)
        end_batch(lane);
    else
        fail_batch(lane);
}

/* A consumer that is behind what it had, as its database was set back, has it again. */
static void see_who_is_behind(struct lane *lane, const struct feed_place_list *places)
{
    for (size_t i = 0; i < places->len; i++)
        for (size_t k = 0; k < lane->n_taken; k++)
            if (id_eq(places->at[i].room, lane->ids[k]) && places->at[i].seq < lane->last[k]) lane->is_cut[k] = true;
}

static void see_who_wants_texts(struct lane *lane, struct id_list texts)
{
    for (size_t k = 0; k < lane->n_taken; k++) {
        size_t i = 0;
        while (i < texts.len && !id_eq(texts.at[i], lane->ids[k])) i++;
        lane->wants_texts[k] = i < texts.len;
    }
}

static enum err keep_places(struct pg *pg, struct arena *arena, void *arg)
{
    struct lane *lane = arg;
    struct feed_taken taken;
    struct wire_error why = { 0 };

    TRY(wire_decode(feed_taken_shape(), buf_str(&lane->bytes), arena, &taken, &why));
    see_who_is_behind(lane, &taken.places);
    see_who_wants_texts(lane, taken.texts);
    return feed_keep(pg, arena, lane->feed->name, taken.places);
}

static void on_taken(void *arg, enum err status, struct str body)
{
    struct lane *lane = arg;
    struct log_feeds *feeds = lane->feed->feeds;

    if (feeds->store->stopping) return;
    if (status != OK && err_status(status) < 500)
        LOG_BOUNDED(ERROR, "feed.refused", F_TEXT("feed", lane->feed->name), F_TEXT("code", err_code(status)));
    buf_clear(&lane->bytes);
    buf_add_str(&lane->bytes, body); /* what has no space there does not decode */
    if (status == OK && rpc_server_work(feeds->server, STR_NONE, keep_places, on_kept, lane)) return;
    fail_batch(lane);
}

static void note_spans(struct lane *lane, const struct feed_news *news)
{
    const struct feed_span_list *spans = &news->batch.spans;
    size_t k = 0;

    lane->n_entries = 0;
    for (size_t i = 0; i < lane->n_taken; i++) {
        bool is_there = k < spans->len && id_eq(spans->at[k].room, lane->ids[i]);
        lane->last[i] = is_there ? spans->at[k].seq : 0;
        lane->last_at[i] = is_there ? news->last_at[k] : 0;
        lane->is_cut[i] = is_there && news->is_cut[k];
        if (is_there) lane->n_entries += spans->at[k].seq - spans->at[k].after;
        k += is_there;
    }
}

/* The loop has messages to take meanwhile: what it hands on is ready. */
static enum err read_entries(struct pg *pg, struct arena *arena, void *arg)
{
    struct lane *lane = arg;
    struct feed_news *news = arena_alloc(arena, sizeof *news);

    TRY(feed_read(pg, arena, lane->feed->name, (struct id_list){ lane->ids, lane->n_taken },
        (struct id_list){ lane->texts_ids, lane->n_texts }, news));
    note_spans(lane, news);
    buf_clear(&lane->bytes);
    return wire_encode(feed_batch_shape(), &news->batch, &lane->bytes);
}

static void on_read(void *arg, enum err e)
{
    struct lane *lane = arg;

    if (e != OK) {
        fail_batch(lane);
        return;
    }
    metric_add(lane->feed->handed, lane->n_entries);
    if (lane->n_entries == 0)
        end_batch(lane);
    else
        chat_link_feed(lane->part->link, lane->feed->method, buf_str(&lane->bytes), on_taken, lane);
}

/* The store's own writes what follows at once, and its place with it. */
static enum err take_entries(struct pg *pg, struct arena *arena, void *arg)
{
    struct lane *lane = arg;
    struct feed_news *news = arena_alloc(arena, sizeof *news);

    TRY(lane->feed->take(pg, arena, lane->feed->name, (struct id_list){ lane->ids, lane->n_taken }, news));
    note_spans(lane, news);
    return OK;
}

static void on_own_taken(void *arg, enum err e)
{
    struct lane *lane = arg;

    if (e == OK) metric_add(lane->feed->handed, lane->n_entries);
    on_kept(lane, e);
}

static void go_on(struct lane *lane)
{
    struct log_feeds *feeds = lane->feed->feeds;
    bool is_own = lane->part == NULL;

    if (lane->is_busy || lane->waiting == NULL || ev_now(feeds->loop) < lane->not_before) return;
    if (!is_own && !chat_link_is_up(lane->part->link)) return;
    take_rooms(lane);
    lane->is_busy = true;
    lane->began = ev_now(feeds->loop);
    if (!rpc_server_work(
            feeds->server, STR_NONE, is_own ? take_entries : read_entries, is_own ? on_own_taken : on_read, lane))
        fail_batch(lane);
}

/* --- rooms that nobody noted: of before, of another store, or too many --- */

static void on_looked(void *arg, enum err e)
{
    struct log_feed *feed = arg;

    feed->is_looking = false;
    if (e != OK) return; /* the same ones, with the next turn */
    for (size_t i = 0; i < feed->found.len; i++)
        note_room(lane_of(feed, feed->found.at[i].room), feed->found.at[i].room, feed->found.at[i].at);
    if (feed->n_looked_at == FEED_SWEPT_AT_ONCE) return;
    feed->sweeps = false;
    feed->has_swept = !feed->has_missed;
    feed->swept = (struct id){ 0 };
    feed->sweep_at = ev_now(feed->feeds->loop) + (feed->has_missed ? 0 : SWEEP_S);
    feed->has_missed = false;
}

static enum err look_for_rooms(struct pg *pg, struct arena *arena, void *arg)
{
    struct log_feed *feed = arg;

    return feed_sweep(pg, arena, feed->name, &feed->swept, &feed->n_looked_at, &feed->found);
}

static void sweep(struct log_feed *feed)
{
    if (!feed->sweeps && ev_now(feed->feeds->loop) >= feed->sweep_at) feed->sweeps = true;
    if (!feed->sweeps || feed->is_looking) return;
    for (size_t i = 0; i < feed->n_lanes; i++)
        if (feed->lanes[i].n >= ROOMS_MAX) return;
    feed->is_looking = rpc_server_work(feed->feeds->server, STR_NONE, look_for_rooms, on_looked, feed);
}

/* --- how late --- */

static void tell_lateness(struct log_feed *feed)
{
    int64_t oldest = INT64_MAX, late_ms;
    size_t rooms = 0;

    for (size_t i = 0; i < feed->n_lanes; i++) {
        const struct lane *lane = &feed->lanes[i];
        rooms += lane->n + (lane->is_busy ? lane->n_taken : 0);
        int64_t of_lane = oldest_of(lane, LOOKED_AT);
        if (of_lane < oldest) oldest = of_lane;
    }
    late_ms = oldest == INT64_MAX || clock_ms() < oldest ? 0 : clock_ms() - oldest;
    metric_set(feed->late_rooms, (int64_t)rooms);
    metric_set(feed->late, late_ms / 1000);
    if (late_ms < feed->feeds->store->settings->feed_late_s * 1000 ||
        ev_now(feed->feeds->loop) < feed->told_at + TOLD_S)
        return;
    feed->told_at = ev_now(feed->feeds->loop);
    LOG(ERROR, "feed.late", F_TEXT("feed", feed->name), F_INT("ms", late_ms), F_INT("rooms", rooms));
    feed_tell_operators(feed->feeds->store, feed->name, late_ms);
}

int64_t feeds_search_until(const struct log_feeds *feeds)
{
    const struct log_feed *feed = &feeds->feeds[FEED_search];
    int64_t oldest = oldest_of(&feed->lanes[0], ROOMS_MAX);

    if (!feed->has_swept || feed->has_missed) return 0;
    return oldest == INT64_MAX ? clock_ms() : oldest - 1;
}

static void on_look(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct log_feeds *feeds = timer->data;

    (void)loop, (void)events;
    for (size_t i = 0; i < FEEDS; i++) {
        struct log_feed *feed = &feeds->feeds[i];
        if (feed->n_lanes == 0) continue;
        sweep(feed);
        for (size_t k = 0; k < feed->n_lanes; k++) go_on(&feed->lanes[k]);
        tell_lateness(feed);
    }
}

/* --- the beginning and the end --- */

static struct metric *make_metric(struct metric *(*make)(const char *, const char *, const char *), const char *name,
    const char *feed, const char *help)
{
    struct buf label = BUF(200);

    metric_label("feed", str_of(feed), &label);
    struct metric *metric = make(name, buf_str(&label).at, help);
    buf_free(&label);
    return metric;
}

/* A row of the store's own can be turned off. */
static bool feed_is_on(const struct log_feeds *feeds, const struct log_feed *feed)
{
    return feed != &feeds->feeds[FEED_search] || strcmp(feeds->store->settings->search, "on") == 0;
}

static void begin_feed(struct log_feeds *feeds, struct log_feed *feed, const char *name, const char *method)
{
    feed->feeds = feeds;
    feed->name = name;
    feed->method = method;
    feed->take = own[feed - feeds->feeds];
    feed->sweeps = true;
    feed->n_lanes = feed->take == NULL ? feeds->store->n_parts : feed_is_on(feeds, feed) ? 1 : 0;
    for (size_t i = 0; i < feed->n_lanes; i++) {
        const struct chat_part *part = feed->take == NULL ? &feeds->store->parts[i] : NULL;
        /* bound: 200 entries with the names in them and 3,000 characters of each, and a thousand voices */
        feed->lanes[i] =
            (struct lane){ .feed = feed, .part = part, .most = FEED_ROOMS_AT_ONCE, .bytes = BUF(BATCH_BYTES) };
    }
    feed->handed = make_metric(metric_counter, "madang_store_feed_entries_total", name, "Entries handed to a consumer");
    feed->late_rooms =
        make_metric(metric_gauge, "madang_store_feed_rooms", name, "Rooms that have something for a consumer");
    feed->late = make_metric(metric_gauge, "madang_store_feed_late_seconds", name,
        "How old the oldest entry is that a consumer has not had");
}

struct log_feeds *feeds_create(struct ev_loop *loop, struct store *store)
{
    static const struct {
        const char *name, *method;
    } rows[] = {
/* clang-format off */
#define FEED(name, method, doc) { #name, method },
#include "proto/begin.def"
#include "proto/store.def"
#include "proto/end.def"
        /* clang-format on */
    };
    struct log_feeds *feeds = mem_zero(sizeof *feeds);

    feeds->loop = loop;
    feeds->store = store;
    for (size_t i = 0; i < FEEDS; i++) begin_feed(feeds, &feeds->feeds[i], rows[i].name, rows[i].method);
    ev_timer_init(&feeds->look, on_look, LOOK_S, LOOK_S);
    feeds->look.data = feeds;
    return feeds;
}

void feeds_begin(struct log_feeds *feeds, struct rpc_server *server)
{
    feeds->server = server;
    ev_timer_start(feeds->loop, &feeds->look);
}

void feeds_destroy(struct log_feeds **feeds)
{
    struct noted_room *room, *next;

    if (*feeds == NULL) return;
    ev_timer_stop((*feeds)->loop, &(*feeds)->look);
    for (size_t i = 0; i < FEEDS; i++)
        for (size_t k = 0; k < (*feeds)->feeds[i].n_lanes; k++) {
            struct lane *lane = &(*feeds)->feeds[i].lanes[k];
            DL_FOREACH_SAFE(lane->waiting, room, next) forget_room(lane, room);
            forget_texts(lane);
            buf_free(&lane->bytes);
        }
    mem_free(*feeds);
    *feeds = NULL;
}
