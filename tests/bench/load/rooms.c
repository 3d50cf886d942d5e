/* rooms.c - who must hear what, and who has. */
// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load/rooms.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/load/mark.h"

enum { FIRST_CAPACITY = 1024, MAX_MESSAGES = 1 << 26 };

static void *grown(void *old, size_t had, size_t wanted)
{
    char *bytes = realloc(old, wanted);

    if (bytes == NULL) abort();
    memset(bytes + had, 0, wanted - had);
    return bytes;
}

void rooms_create(struct rooms *rooms, char **ids, size_t room_count, size_t members)
{
    *rooms = (struct rooms){ .room_count = room_count, .members = members };
    rooms->room = grown(NULL, 0, room_count * sizeof *rooms->room);
    rooms->member = grown(NULL, 0, room_count * members * sizeof *rooms->member);
    for (size_t i = 0; i < room_count; i++) rooms->room[i].id = ids[i];
    for (size_t i = 0; i < room_count * members; i++) rooms->member[i].last_seq = -1;
}

void rooms_destroy(struct rooms *rooms)
{
    for (size_t i = 0; i < rooms->room_count; i++) {
        free(rooms->room[i].sent_us);
        free(rooms->room[i].heard);
    }
    for (size_t i = 0; i < rooms->room_count * rooms->members; i++) free(rooms->member[i].seen);
    free(rooms->room);
    free(rooms->member);
}

static void make_place(struct room *room)
{
    uint32_t had = room->capacity, wanted = had == 0 ? FIRST_CAPACITY : 2 * had;

    if (room->sent < had) return;
    room->sent_us = grown(room->sent_us, had * sizeof(int64_t), wanted * sizeof(int64_t));
    room->heard = grown(room->heard, had * sizeof(uint32_t), wanted * sizeof(uint32_t));
    room->capacity = wanted;
}

size_t rooms_compose(struct rooms *rooms, size_t r, size_t body_bytes, char *out, size_t size)
{
    struct room *room = &rooms->room[r];
    char body[MARK_BODY_MAX + 1];

    if (room->sent == MAX_MESSAGES) return 0;
    make_place(room);
    mark_write(body, body_bytes, r, room->sent);

    /* The id is a version 7 UUID in form: the time, the room, the number. */
    int n = snprintf(out, size,
        "42/chat,%u[\"message:send\",{\"room\":\"%s\",\"id\":\"%08x-%04x-7000-8000-%012x\","
        "\"body\":\"%s\"}]",
        room->sent, room->id, (unsigned)tally_now_us(), (unsigned)r & 0xffff, room->sent, body);
    if (n < 0 || (size_t)n >= size) return 0;
    room->sent_us[room->sent++] = tally_now_us();
    rooms->counts.sent++;
    return (size_t)n;
}

bool rooms_acked(struct rooms *rooms, size_t r, uint64_t n, const char *text, size_t len)
{
    struct room *room = &rooms->room[r];
    bool stored = mark_number_after(text, len, "\"seq\":") >= 0;

    if (n >= room->sent) return false;
    if (stored) {
        room->acked++;
        rooms->counts.acked++;
        tally_add(&rooms->counts.ack_us, tally_now_us() - room->sent_us[n]);
    } else {
        room->refused++;
        rooms->counts.refused++;
    }
    return stored;
}

/* True the first time. */
static bool mark_seen(struct member *member, uint32_t n)
{
    uint32_t had = member->capacity, wanted = had == 0 ? FIRST_CAPACITY : had;

    while (wanted <= n) wanted *= 2;
    if (wanted > had) {
        member->seen = grown(member->seen, had / 8, wanted / 8);
        member->capacity = wanted;
    }
    uint64_t bit = 1ull << n % 64, *word = &member->seen[n / 64];
    bool first = (*word & bit) == 0;
    *word |= bit;
    return first;
}

bool rooms_heard(struct rooms *rooms, size_t m, const char *text, size_t len)
{
    struct rooms_counts *c = &rooms->counts;
    struct member *member = &rooms->member[m];
    struct room *room = &rooms->room[m / rooms->members];
    int64_t seq = mark_number_after(text, len, "\"seq\":");
    size_t r;
    uint32_t n;

    if (seq < 0 || !mark_read(text, len, &r, &n)) {
        c->unreadable++;
        return false;
    }
    if (r != m / rooms->members || n >= room->sent) {
        c->strayed++;
        return false;
    }
    if (!mark_seen(member, n)) {
        c->duplicate++;
        return false;
    }
    c->out_of_order += seq <= member->last_seq;
    member->last_seq = seq > member->last_seq ? seq : member->last_seq;
    c->heard++;
    if (++room->heard[n] < rooms->members) return false;
    c->complete++;
    tally_add(&c->complete_us, tally_now_us() - room->sent_us[n]);
    return true;
}

uint64_t rooms_missing(const struct rooms *rooms)
{
    uint64_t due = (rooms->counts.sent - rooms->counts.refused) * rooms->members;

    return due > rooms->counts.heard ? due - rooms->counts.heard : 0;
}
