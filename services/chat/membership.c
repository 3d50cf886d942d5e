/* membership.c - who is in which room, remembered. */
// SPDX-License-Identifier: Apache-2.0
#include "services/chat/membership.h"

#include <string.h>
#include <utlist.h>

#include "libshared/base/table.h"
#include "services/chat/room_read.h"

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
    struct question *questions;
};

struct membership {
    struct room_memory *all;
    struct room_memory *known;
    size_t n_known, max;
};

struct membership *membership_create(size_t max)
{
    struct membership *rooms = mem_zero(sizeof *rooms);

    rooms->max = max;
    return rooms;
}

static void forget(struct membership *rooms, struct room_memory *room)
{
    if (room->is_known) {
        DL_DELETE(rooms->known, room);
        rooms->n_known--;
    }
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

static void keep(struct membership *rooms, struct room_memory *room, struct room_read *read)
{
    room->exists = read->exists;
    room->version = read->version;
    room->is_known = true;
    room->members = read->members;
    read->members = NULL;
    DL_APPEND(rooms->known, room);
    if (++rooms->n_known > rooms->max && rooms->known != room) forget(rooms, rooms->known);
}

static void begin_reading(struct membership *rooms, struct rpc_server *server, struct room_memory *room);

/* What was read may be older than a change that was heard of while it was read: then it is read again. */
static void on_read(struct room_read *read, enum err e)
{
    struct membership *rooms = read->arg;
    struct room_memory *room = find(rooms, read->room);

    if (e == OK && read->version < room->version) {
        begin_reading(rooms, read->server, room);
        return;
    }
    if (e == OK) {
        keep(rooms, room, read);
        answer_all(room, room->exists ? OK : ERR_NOT_FOUND);
    } else {
        answer_all(room, e);
        forget(rooms, room);
    }
}

static void begin_reading(struct membership *rooms, struct rpc_server *server, struct room_memory *room)
{
    if (room_read_begin(server, room->questions->subject, room->id, on_read, rooms)) return;
    answer_all(room, ERR_OVERLOADED);
    forget(rooms, room);
}

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
    for (size_t i = 0; room->is_known && i < who.len; i++)
        members_set(room->members, who.at[i].subject, who.at[i].role);
}
