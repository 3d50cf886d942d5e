/* resume_positions.c - which rooms a client was in that comes back, and how far it has heard each. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/recovery/resume_private.h"

static void take_starts(struct resume *c)
{
    c->n = c->record.n;
    c->positions = arena_zero(c->arena, (c->n + 1) * sizeof *c->positions);
    for (size_t i = 0; i < c->n; i++)
        c->positions[i] = (struct resume_position){ .start = c->record.rooms[i], .seq = c->record.rooms[i].start_seq };
}

static struct resume_position *find_position(struct resume *c, uint32_t room_no)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->positions[i].start.room_no == room_no) return &c->positions[i];
    return NULL;
}

/* After a recovery start_seq is where it went on, so an offset below it was used before. */
static const char *apply_offset(struct resume *c, const struct offset *offset)
{
    for (size_t i = 0; i < offset->n; i++) {
        struct resume_position *position = find_position(c, offset->at[i].room_no);
        if (offset->at[i].room_no >= c->record.next_room_no) return "offset_room_unknown";
        if (position == NULL) continue; /* left since */
        if (offset->at[i].seq < position->seq) return "offset_behind";
        position->seq = offset->at[i].seq;
    }
    return NULL;
}

/* What was sent before the CONNECT may lie in the client's buffer or be lost: the gateway cannot know, so it is not sent again. */
static bool is_second_time(const struct resume *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->positions[i].seq > c->positions[i].start.start_seq) return false;
    return c->record.replayed;
}

bool resume_may_hear(const struct resume *c)
{
    char room[ID_TEXT_BYTES + 1];

    for (size_t i = 0; i < c->n; i++) {
        id_format(c->positions[i].start.room, room);
        if (!rights_allow(
                &c->arrival.rights, sio_nsp(c->arrival.socket), STR("room:join"), str_of(room), POLICY_SUBSCRIBE))
            return false;
    }
    return true;
}

/* An offset of another epoch is left over from an earlier start: nothing was heard in this one. */
const char *resume_find_positions(struct resume *c)
{
    struct offset offset;
    const char *why = NULL;

    take_starts(c);
    if (offset_read(c->offset, c->record.epoch, c->arena, &offset))
        why = offset.lost ? "offset_lost" : apply_offset(c, &offset);
    if (why == NULL && is_second_time(c)) why = "offset_reused";
    if (why == NULL && !resume_may_hear(c)) why = "policy_denied";
    return why;
}
