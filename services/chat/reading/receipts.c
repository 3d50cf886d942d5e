/* receipts.c - those who hear a room are told who has read on there: together, and once in a while. */
// SPDX-License-Identifier: Apache-2.0
#include "services/chat/reading/receipts.h"

#include <assert.h>

#include <ev.h>
#include <utlist.h>

#include "libshared/base/clock.h"
#include "libshared/base/table.h"
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/chat/chat.h"

#define PERIOD_S      1.0
#define ROOMS_AT_ONCE 20
#define TOLD_MAX      20 /* proto/chat.def: receipt_news.moved */
#define AWAY_MS       60000

/* Something was read there since then. */
struct read_room {
    UT_hash_handle hh;
    struct id id;
    int64_t since;
    struct read_room *prev, *next;
};

struct receipts {
    struct chat *chat;
    struct read_room *all;             /* each is in one of the two */
    struct read_room *waiting, *ready; /* noted since the last turn; those whose turn it is */
    bool is_reading;
    int64_t born_at;
    ev_timer turn;
};

/* --- noting --- */

static void note_room(struct receipts *receipts, struct id id, int64_t since)
{
    struct read_room *room;

    HASH_FIND(hh, receipts->all, &id, sizeof id, room);
    if (room != NULL) {
        if (since < room->since) room->since = since;
        return;
    }
    room = mem_zero(sizeof *room);
    room->id = id;
    room->since = since;
    HASH_ADD(hh, receipts->all, id, sizeof room->id, room);
    DL_APPEND(receipts->waiting, room);
    if (!ev_is_active(&receipts->turn)) ev_timer_again(receipts->chat->loop, &receipts->turn);
}

static void forget_room(struct receipts *receipts, struct read_room **list, struct read_room *room)
{
    HASH_DEL(receipts->all, room);
    DL_DELETE(*list, room);
    mem_free(room);
}

struct noted_read {
    struct id room;
    int64_t at;
};

static void take_note(struct rpc_server *server, void *context, void *arg)
{
    const struct chat *chat = context;
    const struct noted_read *noted = arg;

    (void)server;
    if (feeds_has(chat->feeds, noted->room)) note_room(chat->receipts, noted->room, noted->at);
}

void receipts_note(struct call *call, struct id room)
{
    const struct noted_read noted = { room, call->now };

    call_after(call, take_note, arena_copy(call->arena, &noted, sizeof noted));
}

void receipts_begin(struct receipts *receipts, struct id room)
{
    if (clock_ms() < receipts->born_at + AWAY_MS) note_room(receipts, room, receipts->born_at - AWAY_MS);
}

/* --- reading, some rooms at a time --- */

struct moved {
    struct id room;
    struct str subject;
    int64_t read, at;
    struct str_list hidden_from;
};
struct moved_list {
    struct moved *at;
    size_t len;
};
static const struct wire_field moved_fields[] = {
    ROW_FIELD(struct moved, room, ID),
    ROW_FIELD(struct moved, subject, TEXT),
    ROW_FIELD(struct moved, read, INT),
    ROW_FIELD(struct moved, at, TIME),
    ROW_FIELD(struct moved, hidden_from, TEXTS),
    ROW_END,
};
static const struct wire_shape moved_shape = { "moved", "", sizeof(struct moved), moved_fields };

struct receipt_reading {
    struct receipts *home;
    struct arena *arena;
    struct moved_list moved;
    size_t n;
    struct id rooms[ROOMS_AT_ONCE];
    int64_t since[ROOMS_AT_ONCE];
};

/* Who takes no part is looked up once for a room; who of its members somebody blocks, or is blocked by, for each who has read on.  OFFSET:
 * each is looked up by its index, whatever the planner makes of a few large rooms. */
static const char READ[] =
    "SELECT r.id AS room, m.subject, m.read_seq AS read, m.read_at AS at, a.subjects ||"
    " array(SELECT b.subject FROM (SELECT b.high AS subject FROM relation b WHERE b.low = m.subject AND"
    " (b.low_blocks IS NOT NULL OR b.high_blocks IS NOT NULL) UNION ALL SELECT b.low FROM relation b WHERE b.high ="
    " m.subject AND (b.low_blocks IS NOT NULL OR b.high_blocks IS NOT NULL) OFFSET 0) b WHERE EXISTS (SELECT FROM"
    " member o WHERE o.room_id = r.id AND o.subject = b.subject)) AS hidden_from"
    " FROM unnest($1::uuid[], $2::timestamptz[]) AS v (room, since)"
    " JOIN room r ON r.id = v.room AND r.members <= $3 AND r.receipts_since IS NOT NULL"
    " CROSS JOIN LATERAL (SELECT array(SELECT o.subject FROM (SELECT subject FROM member WHERE room_id = r.id OFFSET 0)"
    " o WHERE EXISTS (SELECT FROM receipt_choice x WHERE x.subject = o.subject AND NOT x.shown)) AS subjects OFFSET 0) "
    "a"
    " CROSS JOIN LATERAL (SELECT * FROM member WHERE room_id = r.id AND read_at >= v.since OFFSET 0) m"
    " LEFT JOIN LATERAL (SELECT * FROM receipt_choice WHERE subject = m.subject OFFSET 0) c ON true"
    " WHERE " RECEIPT_IS_SHOWN " ORDER BY r.id, m.subject";

static enum err read_moved(struct pg *pg, struct arena *arena, void *arg)
{
    struct receipt_reading *reading = arg;

    return pg_all(pg, reading->arena, &moved_shape, &reading->moved, ROOMS_AT_ONCE * RECEIPT_NAMES_MAX, READ,
        PG_ARGS(pg_ids(arena, (struct id_list){ reading->rooms, reading->n }),
            pg_times(arena, reading->since, reading->n), pg_int(RECEIPT_NAMES_MAX)));
}

/* These are all of one room. */
static void tell_some(struct receipts *receipts, const struct moved *moved, size_t n)
{
    struct receipt_item items[TOLD_MAX];

    assert(n <= TOLD_MAX);
    for (size_t i = 0; i < n; i++)
        items[i] = (struct receipt_item){ moved[i].subject, moved[i].read, moved[i].at, moved[i].hidden_from };
    const struct receipt_news news = { moved[0].room, { items, n } };
    feeds_tell_receipts(receipts->chat->feeds, receipts->chat->server, &news);
}

static void tell_all(struct receipts *receipts, struct moved_list all)
{
    for (size_t i = 0, n; i < all.len; i += n) {
        for (n = 1; n < TOLD_MAX && i + n < all.len && id_eq(all.at[i + n].room, all.at[i].room);) n++;
        tell_some(receipts, &all.at[i], n);
    }
}

static void read_some(struct receipts *receipts);

static void on_moved(void *arg, enum err e)
{
    struct receipt_reading *reading = arg;
    struct receipts *receipts = reading->home;

    receipts->is_reading = false;
    if (e == OK) tell_all(receipts, reading->moved);
    for (size_t i = 0; e != OK && i < reading->n; i++) note_room(receipts, reading->rooms[i], reading->since[i]);
    arena_destroy(&reading->arena);
    mem_free(reading);
    if (e == OK) read_some(receipts); /* else in the next turn */
}

static void read_some(struct receipts *receipts)
{
    struct receipt_reading *reading;

    if (receipts->is_reading || receipts->ready == NULL) return;
    reading = mem_zero(sizeof *reading);
    reading->home = receipts;
    /* bound: 20 rooms of 200 members, each hidden from all others */
    reading->arena = arena_create("receipts", 256u << 20);
    while (receipts->ready != NULL && reading->n < ROOMS_AT_ONCE) {
        reading->rooms[reading->n] = receipts->ready->id;
        reading->since[reading->n++] = receipts->ready->since;
        forget_room(receipts, &receipts->ready, receipts->ready);
    }
    receipts->is_reading = true;
    if (!rpc_server_work(receipts->chat->server, STR(""), read_moved, on_moved, reading))
        on_moved(reading, ERR_OVERLOADED);
}

static void take_turn(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct receipts *receipts = timer->data;

    (void)events;
    if (receipts->ready == NULL) {
        receipts->ready = receipts->waiting;
        receipts->waiting = NULL;
    }
    read_some(receipts);
    if (receipts->all == NULL) ev_timer_stop(loop, timer);
}

/* --- its life --- */

struct receipts *receipts_create(struct chat *chat)
{
    struct receipts *receipts = mem_zero(sizeof *receipts);

    receipts->chat = chat;
    receipts->born_at = clock_ms();
    ev_timer_init(&receipts->turn, take_turn, PERIOD_S, PERIOD_S);
    receipts->turn.data = receipts;
    return receipts;
}

void receipts_destroy(struct receipts **at)
{
    struct receipts *receipts = *at;

    if (receipts == NULL) return;
    ev_timer_stop(receipts->chat->loop, &receipts->turn);
    while (receipts->waiting != NULL) forget_room(receipts, &receipts->waiting, receipts->waiting);
    while (receipts->ready != NULL) forget_room(receipts, &receipts->ready, receipts->ready);
    mem_free(receipts);
    *at = NULL;
}
