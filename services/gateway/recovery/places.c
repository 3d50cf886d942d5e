/* places.c - which rooms somebody sat in who comes back, and how far he has heard them. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/recovery/comeback.h"

static void take_bases(struct comeback *c)
{
    c->n = c->record.n;
    c->places = arena_zero(c->arena, (c->n + 1) * sizeof *c->places);
    for (size_t i = 0; i < c->n; i++)
        c->places[i] = (struct place){ .mark = c->record.marks[i], .seq = c->record.marks[i].base };
}

static struct place *find(struct comeback *c, uint32_t mark)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->places[i].mark.mark == mark) return &c->places[i];
    return NULL;
}

/* A base moves on when somebody comes back: who says less than that brings an offset for the second time. */
static const char *apply(struct comeback *c, const struct offset *offset)
{
    for (size_t i = 0; i < offset->n; i++) {
        struct place *place = find(c, offset->at[i].mark);
        if (offset->at[i].mark >= c->record.next_mark) return "a room that is not on record";
        if (place == NULL) continue; /* left since */
        if (offset->at[i].seq < place->seq) return "an older offset";
        place->seq = offset->at[i].seq;
    }
    return NULL;
}

/* What he was sent before his CONNECT may lie in the client's buffer: nobody knows, so it is not sent again. */
static bool is_second_time(const struct comeback *c)
{
    for (size_t i = 0; i < c->n; i++)
        if (c->places[i].seq > c->places[i].mark.base) return false;
    return c->record.replayed;
}

static bool may_hear_all(const struct comeback *c)
{
    char room[ID_TEXT_BYTES + 1];

    for (size_t i = 0; i < c->n; i++) {
        id_format(c->places[i].mark.room, room);
        if (!rights_allow(
                &c->arrival.rights, sio_nsp(c->arrival.socket), STR("room:join"), str_of(room), POLICY_SUBSCRIBE))
            return false;
    }
    return true;
}

/* An offset of another epoch is left over from an earlier start: nothing was heard in this one. */
const char *comeback_place(struct comeback *c)
{
    struct offset offset;
    const char *why = NULL;

    take_bases(c);
    if (offset_read(c->offset, c->record.epoch, c->arena, &offset)) why = offset.lost ? "off" : apply(c, &offset);
    if (why == NULL && is_second_time(c)) why = "an offset for the second time";
    if (why == NULL && !may_hear_all(c)) why = "policy";
    return why;
}
