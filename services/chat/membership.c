/* membership.c - who is in which room, remembered. */
// SPDX-License-Identifier: Apache-2.0
#include "services/chat/membership.h"

#include <string.h>
#include <utlist.h>

#include "libshared/base/table.h"
#include "libshared/service/metrics.h"
#include "services/chat/room_read.h"

/* What the allocator and the tables need for a room. */
#define EXTRA_BYTES 128
/* A room that would take more than this part of all is not remembered whole. */
#define PARTS       8

struct question {
    struct question *prev, *next;
    struct str subject;
    membership_fn *answer;
    void *arg;
};

struct room_memory {
    UT_hash_handle hh;
    struct room_memory *prev, *next; /* in `known`, asked for longest ago first */
    struct id id;
    bool is_known; /* false: being read; not in `known` */
    bool exists;
    int64_t version;         /* known: what it is as of; being read: the newest change heard of meanwhile */
    struct members *members; /* known */
    size_t bytes;            /* that it counts for */
    struct question *questions;
};

struct membership {
    struct room_memory *all;
    struct room_memory *known;
    size_t bytes, max; /* of those known */
    struct metric *gauge;
};

/* One subject of a room that is not remembered whole. */
struct asking {
    struct membership *rooms;
    struct rpc_server *server;
    struct str subject;
    membership_fn *answer;
    void *arg;
};

struct membership *membership_create(size_t max_bytes)
{
    struct membership *rooms = mem_zero(sizeof *rooms);

    rooms->max = max_bytes;
    rooms->gauge = metric_gauge("madang_chat_remembered_bytes", NULL, "Bytes of rooms and members in memory");
    return rooms;
}

static void count(struct membership *rooms, struct room_memory *room, size_t bytes)
{
    rooms->bytes += bytes - room->bytes;
    room->bytes = bytes;
    metric_set(rooms->gauge, (int64_t)rooms->bytes);
}

static void forget(struct membership *rooms, struct room_memory *room)
{
    if (room->is_known) DL_DELETE(rooms->known, room);
    count(rooms, room, 0);
    HASH_DEL(rooms->all, room);
    members_destroy(&room->members);
    mem_free(room);
}

static void answer_all(struct room_memory *room, enum err e)
{
    struct question *q;

    while ((q = room->questions) != NULL) {
        DL_DELETE(room->questions, q);
        q->answer(q->arg, e, e == OK ? members_role(room->members, q->subject) : STR(""));
        mem_free(q);
    }
}

static void free_questions(struct room_memory *room)
{
    struct question *q, *next;

    DL_FOREACH_SAFE(room->questions, q, next)
    mem_free(q);
    room->questions = NULL;
}

void membership_destroy(struct membership **rooms)
{
    struct room_memory *room, *next;

    if (*rooms == NULL) return;
    HASH_ITER(hh, (*rooms)->all, room, next)
    {
        free_questions(room);
        forget(*rooms, room);
    }
    mem_free(*rooms);
    *rooms = NULL;
}

static struct room_memory *find(struct membership *rooms, struct id id)
{
    struct room_memory *room;

    HASH_FIND(hh, rooms->all, &id, sizeof id, room);
    return room;
}

static void touch(struct membership *rooms, struct room_memory *room)
{
    DL_DELETE(rooms->known, room);
    DL_APPEND(rooms->known, room);
}

static size_t most_bytes(const struct membership *rooms)
{
    return rooms->max / PARTS;
}

/* After what is known of it changed. */
static void make_room(struct membership *rooms, struct room_memory *room)
{
    if (members_bytes(room->members) > most_bytes(rooms)) members_forget(room->members);
    count(rooms, room, sizeof *room + EXTRA_BYTES + members_bytes(room->members));
    while (rooms->bytes > rooms->max && rooms->known != room) forget(rooms, rooms->known);
}

static void keep(struct membership *rooms, struct room_memory *room, struct room_read *read)
{
    room->exists = read->exists;
    room->version = read->version;
    room->is_known = true;
    room->members = read->members;
    read->members = NULL;
    DL_APPEND(rooms->known, room);
    make_room(rooms, room);
}

static void begin_reading(struct membership *rooms, struct rpc_server *server, struct room_memory *room);

/* Those who waited for the room ask for themselves. */
static void ask_each(struct membership *rooms, struct rpc_server *server, struct room_memory *room)
{
    struct question *questions = room->questions, *q;
    struct id id = room->id;

    room->questions = NULL;
    while ((q = questions) != NULL) {
        DL_DELETE(questions, q);
        membership_ask(rooms, server, id, q->subject, q->answer, q->arg);
        mem_free(q);
    }
}

/* What was read may be older than a change that was heard of while it was read: then it is read again. */
static void on_read(struct room_read *read, enum err e)
{
    struct membership *rooms = read->arg;
    struct room_memory *room = find(rooms, read->room);

    if (e == OK && read->version < room->version) {
        begin_reading(rooms, read->server, room);
        return;
    }
    if (e != OK) {
        answer_all(room, e);
        forget(rooms, room);
        return;
    }
    keep(rooms, room, read);
    if (members_are_whole(room->members))
        answer_all(room, room->exists ? OK : ERR_NOT_FOUND);
    else
        ask_each(rooms, read->server, room);
}

static void begin_reading(struct membership *rooms, struct rpc_server *server, struct room_memory *room)
{
    struct room_read all = { .room = room->id, .most_bytes = most_bytes(rooms), .done = on_read, .arg = rooms };

    if (room_read_begin(server, room->questions->subject, &all)) return;
    answer_all(room, ERR_OVERLOADED);
    forget(rooms, room);
}

/* --- one subject of a room that is not remembered whole --- */

/* false: it may be older than what was heard of meanwhile. */
static bool is_fresh(const struct room_memory *room, const struct room_read *read)
{
    return room != NULL && room->is_known && !members_are_whole(room->members) && read->version >= room->version;
}

static void on_one(struct room_read *read, enum err e)
{
    struct asking asking = *(struct asking *)read->arg;
    struct room_memory *room = find(asking.rooms, read->room);

    mem_free(read->arg);
    if (e != OK || !read->exists) {
        asking.answer(asking.arg, e != OK ? e : ERR_NOT_FOUND, STR(""));
    } else if (!is_fresh(room, read)) {
        membership_ask(asking.rooms, asking.server, read->room, asking.subject, asking.answer, asking.arg);
    } else {
        struct str role = members_role(read->members, asking.subject);
        members_set(room->members, asking.subject, role, read->version);
        make_room(asking.rooms, room);
        asking.answer(asking.arg, OK, role);
    }
}

static void ask_one(struct asking what, struct id room)
{
    struct asking *asking = mem_alloc(sizeof *asking);
    struct room_read one = { .room = room, .only = what.subject, .done = on_one, .arg = asking };

    *asking = what;
    if (room_read_begin(what.server, what.subject, &one)) return;
    mem_free(asking);
    what.answer(what.arg, ERR_OVERLOADED, STR(""));
}

/* --- questions --- */

static void wait_for(struct room_memory *room, struct str subject, membership_fn *answer, void *arg)
{
    struct question *q = mem_zero(sizeof *q);

    *q = (struct question){ .subject = subject, .answer = answer, .arg = arg };
    DL_APPEND(room->questions, q);
}

void membership_ask(struct membership *rooms, struct rpc_server *server, struct id id, struct str subject,
    membership_fn *answer, void *arg)
{
    struct room_memory *room = find(rooms, id);

    if (room != NULL && room->is_known) {
        touch(rooms, room);
        if (!members_know(room->members, subject))
            ask_one((struct asking){ rooms, server, subject, answer, arg }, id);
        else
            answer(arg, room->exists ? OK : ERR_NOT_FOUND, members_role(room->members, subject));
        return;
    }
    if (room != NULL) {
        wait_for(room, subject, answer, arg);
        return;
    }
    room = mem_zero(sizeof *room);
    room->id = id;
    HASH_ADD(hh, rooms->all, id, sizeof room->id, room);
    wait_for(room, subject, answer, arg);
    begin_reading(rooms, server, room);
}

/* Workers commit in the order of versions, and may be heard in another: what does not follow at once is read again. */
void membership_change(struct membership *rooms, struct id id, int64_t version, struct access_change_list who)
{
    struct room_memory *room = find(rooms, id);

    if (room == NULL || version <= room->version) return;
    if (room->is_known && version != room->version + 1) {
        forget(rooms, room);
        return;
    }
    room->version = version;
    if (!room->is_known) return;
    for (size_t i = 0; i < who.len; i++) members_set(room->members, who.at[i].subject, who.at[i].role, version);
    make_room(rooms, room);
}
