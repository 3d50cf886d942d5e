/* member_cache.c - the members of rooms, remembered. */
// SPDX-License-Identifier: Apache-2.0
#include "services/chat/members/member_cache.h"

#include <string.h>

#include "libshared/base/ask_cache.h"
#include "libshared/base/container_of.h"
#include "libshared/base/metrics.h"
#include "services/chat/rooms/room_read.h"

/* What the allocator and the tables need for a room. */
#define EXTRA_BYTES 128
/* A room that would take more than this part of all is not remembered whole. */
#define PARTS       8

#define NO_MEMBER ((struct member_access){ .role = STR("") })

struct member_asker {
    struct asker asker;
    struct str subject;
    member_cache_fn *answer;
    void *arg;
};

/* Kept: known.  Asked about: it is being read. */
struct room_memory {
    struct ask_entry entry; /* weighs bytes, once it is known */
    struct id id;
    bool exists;
    int64_t version;         /* known: what it is as of; being read: the newest change heard of meanwhile */
    struct members *members; /* known */
};

struct member_cache {
    struct ask_cache cache;
    struct metric *gauge;
};

/* One subject of a room that is not remembered whole. */
struct member_asking {
    struct member_cache *rooms;
    struct rpc_server *server;
    struct str subject;
    member_cache_fn *answer;
    void *arg;
};

static struct room_memory *room_of(struct ask_entry *entry)
{
    return entry == NULL ? NULL : CONTAINER_OF(entry, struct room_memory, entry);
}

static struct member_asker *next_member_asker(struct askers *askers)
{
    struct asker *asker = askers_next(askers);

    return asker == NULL ? NULL : CONTAINER_OF(asker, struct member_asker, asker);
}

static void free_room(struct ask_entry *entry)
{
    struct room_memory *room = room_of(entry);
    struct member_asker *q;

    while ((q = next_member_asker(&entry->askers)) != NULL) mem_free(q);
    members_destroy(&room->members);
    mem_free(room);
}

struct member_cache *member_cache_create(size_t max_bytes)
{
    struct member_cache *rooms = mem_zero(sizeof *rooms);

    ask_cache_init(&rooms->cache, max_bytes, free_room);
    rooms->gauge = metric_gauge("madang_chat_remembered_bytes", NULL, "Bytes of rooms and members in memory");
    return rooms;
}

void member_cache_destroy(struct member_cache **rooms)
{
    if (*rooms == NULL) return;
    ask_cache_clear(&(*rooms)->cache);
    mem_free(*rooms);
    *rooms = NULL;
}

static struct room_memory *find_room(struct member_cache *rooms, struct id id)
{
    return room_of(ask_find(&rooms->cache, &id, sizeof id));
}

static size_t most_bytes(const struct member_cache *rooms)
{
    return rooms->cache.max_weight / PARTS;
}

/* After what is known of it changed. */
static void weigh_room(struct member_cache *rooms, struct room_memory *room)
{
    if (members_bytes(room->members) > most_bytes(rooms)) members_forget(room->members);
    ask_weigh(&room->entry, sizeof *room + EXTRA_BYTES + members_bytes(room->members));
    metric_set(rooms->gauge, (int64_t)rooms->cache.weight);
}

static void forget_room(struct member_cache *rooms, struct room_memory *room)
{
    ask_forget(&room->entry);
    metric_set(rooms->gauge, (int64_t)rooms->cache.weight);
}

static void keep_room(struct member_cache *rooms, struct room_memory *room, struct room_read *read)
{
    room->exists = read->exists;
    room->version = read->version;
    room->members = read->members;
    read->members = NULL;
    ask_keep(&room->entry);
    weigh_room(rooms, room);
}

static void begin_reading(struct member_cache *rooms, struct rpc_server *server, struct room_memory *room);

static void refuse_all(struct room_memory *room, enum err e)
{
    struct askers askers = ask_take(&room->entry);
    struct member_asker *q;

    ask_forget(&room->entry);
    while ((q = next_member_asker(&askers)) != NULL) {
        q->answer(q->arg, e, NO_MEMBER);
        mem_free(q);
    }
}

/* What was read may be older than a change that was heard of while it was read: then it is read again. */
static void on_read(struct room_read *read, enum err e)
{
    struct member_cache *rooms = read->arg;
    struct room_memory *room = find_room(rooms, read->room);
    struct member_asker *q;

    if (e != OK) {
        refuse_all(room, e);
        return;
    }
    if (read->version < room->version) {
        begin_reading(rooms, read->server, room);
        return;
    }
    struct askers askers = ask_take(&room->entry);
    keep_room(rooms, room, read);
    while ((q = next_member_asker(&askers)) != NULL) {
        member_cache_ask(rooms, read->server, read->room, q->subject, q->answer, q->arg);
        mem_free(q);
    }
}

static void begin_reading(struct member_cache *rooms, struct rpc_server *server, struct room_memory *room)
{
    struct room_read all = { .room = room->id, .most_bytes = most_bytes(rooms), .done = on_read, .arg = rooms };
    struct member_asker *first = CONTAINER_OF(room->entry.askers.first, struct member_asker, asker);

    if (!room_read_begin(server, first->subject, &all)) refuse_all(room, ERR_OVERLOADED);
}

/* --- one subject of a room that is not remembered whole --- */

/* false: it may be older than what was heard of meanwhile. */
static bool is_fresh(const struct room_memory *room, const struct room_read *read)
{
    return room != NULL && room->entry.is_kept && !members_are_whole(room->members) && read->version >= room->version;
}

static void on_one(struct room_read *read, enum err e)
{
    struct member_asking asking = *(struct member_asking *)read->arg;
    struct room_memory *room = find_room(asking.rooms, read->room);

    mem_free(read->arg);
    if (e != OK || !read->exists) {
        asking.answer(asking.arg, e != OK ? e : ERR_NOT_FOUND, NO_MEMBER);
    } else if (!is_fresh(room, read)) {
        member_cache_ask(asking.rooms, asking.server, read->room, asking.subject, asking.answer, asking.arg);
    } else {
        struct member_access access = members_access(read->members, asking.subject);
        members_set(room->members, asking.subject, access, read->version);
        weigh_room(asking.rooms, room);
        asking.answer(asking.arg, OK, access);
    }
}

static void ask_one(struct member_asking what, struct id room)
{
    struct member_asking *asking = mem_alloc(sizeof *asking);
    struct room_read one = { .room = room, .only = what.subject, .done = on_one, .arg = asking };

    *asking = what;
    if (room_read_begin(what.server, what.subject, &one)) return;
    mem_free(asking);
    what.answer(what.arg, ERR_OVERLOADED, NO_MEMBER);
}

/* --- questions --- */

static void wait_for(struct room_memory *room, struct str subject, member_cache_fn *answer, void *arg)
{
    struct member_asker *q = mem_zero(sizeof *q);

    *q = (struct member_asker){ .subject = subject, .answer = answer, .arg = arg };
    ask_wait(&room->entry, &q->asker);
}

void member_cache_ask(struct member_cache *rooms, struct rpc_server *server, struct id id, struct str subject,
    member_cache_fn *answer, void *arg)
{
    struct room_memory *room = find_room(rooms, id);

    if (room != NULL && room->entry.is_kept) {
        ask_touch(&room->entry);
        if (!members_know(room->members, subject))
            ask_one((struct member_asking){ rooms, server, subject, answer, arg }, id);
        else
            answer(arg, room->exists ? OK : ERR_NOT_FOUND, members_access(room->members, subject));
        return;
    }
    if (room != NULL) {
        wait_for(room, subject, answer, arg);
        return;
    }
    room = mem_zero(sizeof *room);
    room->id = id;
    ask_add(&rooms->cache, &room->entry, &room->id, sizeof room->id);
    wait_for(room, subject, answer, arg);
    begin_reading(rooms, server, room);
}

/* Workers commit in the order of versions, and may be heard in another: what does not follow at once is read again. */
void member_cache_change(struct member_cache *rooms, struct id id, int64_t version, struct access_change_list who)
{
    struct room_memory *room = find_room(rooms, id);

    if (room == NULL || version <= room->version) return;
    if (room->entry.is_kept && (version != room->version + 1 || who.len == 0)) {
        forget_room(rooms, room);
        return;
    }
    room->version = version;
    if (!room->entry.is_kept) return;
    for (size_t i = 0; i < who.len; i++)
        members_set(room->members, who.at[i].subject,
            (struct member_access){ .role = who.at[i].role, .reads_after = who.at[i].reads_after }, version);
    weigh_room(rooms, room);
}

/* What is being read is as new as the reading. */
void member_cache_forget_all(struct member_cache *rooms)
{
    while (rooms->cache.kept != NULL) forget_room(rooms, room_of(rooms->cache.kept));
}
