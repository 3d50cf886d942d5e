/* batch_memory.c - rooms that have heads, and whether repeats are about; of all committers. */
// SPDX-License-Identifier: Apache-2.0
#include "services/store/messages/batch_memory.h"

#include <pthread.h>

#include "libshared/base/clock.h"
#include "libshared/base/metrics.h"
#include "libshared/base/table.h"

#define ROOMS_MAX  20000   /* some 2 MB; over it all are forgotten, and learned again */
#define CAREFUL_US 2000000 /* who repeats one message after an outage repeats several */

struct known_room {
    UT_hash_handle hh;
    struct id id;
};

struct batch_memory {
    pthread_mutex_t lock;
    struct known_room *rooms;
    int64_t careful_until_us;
    struct metric *long_ways;
};

struct batch_memory *batch_memory_create(void)
{
    struct batch_memory *memory = mem_zero(sizeof *memory);

    pthread_mutex_init(&memory->lock, NULL);
    memory->long_ways = metric_counter(
        "madang_store_long_way_total", NULL, "Batches with a room that was not known, or soon after a repeat");
    return memory;
}

static void forget_rooms(struct batch_memory *memory)
{
    struct known_room *room, *next;

    HASH_ITER(hh, memory->rooms, room, next) {
        HASH_DEL(memory->rooms, room);
        mem_free(room);
    }
}

void batch_memory_destroy(struct batch_memory **memory)
{
    if (*memory == NULL) return;
    forget_rooms(*memory);
    pthread_mutex_destroy(&(*memory)->lock);
    mem_free(*memory);
    *memory = NULL;
}

static bool knows(const struct batch_memory *memory, struct id id)
{
    struct known_room *room;

    HASH_FIND(hh, memory->rooms, &id, sizeof id, room);
    return room != NULL;
}

static bool knows_all(const struct batch_memory *memory, struct id_list rooms)
{
    for (size_t i = 0; i < rooms.len; i++)
        if (!knows(memory, rooms.at[i])) return false;
    return true;
}

bool batch_memory_trusts(struct batch_memory *memory, struct id_list rooms)
{
    pthread_mutex_lock(&memory->lock);
    bool trusts = clock_mono_us() >= memory->careful_until_us && knows_all(memory, rooms);
    pthread_mutex_unlock(&memory->lock);
    return trusts;
}

void batch_memory_long_way(struct batch_memory *memory)
{
    metric_add(memory->long_ways, 1);
}

static void learn_room(struct batch_memory *memory, struct id id)
{
    struct known_room *room = mem_zero(sizeof *room);

    if (HASH_COUNT(memory->rooms) >= ROOMS_MAX) forget_rooms(memory);
    room->id = id;
    HASH_ADD(hh, memory->rooms, id, sizeof room->id, room);
}

void batch_memory_committed(struct batch_memory *memory, struct id_list rooms)
{
    pthread_mutex_lock(&memory->lock);
    for (size_t i = 0; i < rooms.len; i++)
        if (!knows(memory, rooms.at[i])) learn_room(memory, rooms.at[i]);
    pthread_mutex_unlock(&memory->lock);
}

void batch_memory_was_wrong(struct batch_memory *memory)
{
    pthread_mutex_lock(&memory->lock);
    forget_rooms(memory);
    memory->careful_until_us = clock_mono_us() + CAREFUL_US;
    pthread_mutex_unlock(&memory->lock);
}
