/* guest.c - a local socket and the rooms that it sits in. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/rooms/halls_inside.h"

void guest_begin(struct guest *guest, struct halls *halls, struct sio_socket *socket, struct str subject)
{
    *guest = (struct guest){ .home = halls, .socket = socket, .subject = subject };
}

void guest_end(struct guest *guest)
{
    guest_drop_kept(guest);
    while (guest->n > 0) seat_leave(guest->seats[guest->n - 1]);
    mem_free(guest->seats);
    guest->seats = NULL;
    guest->cap = 0;
}

void guest_drained(struct guest *guest)
{
    guest_send_kept(guest);
    for (size_t i = 0; i < guest->n; i++)
        if (guest->seats[i]->state == SEAT_BEHIND) seat_fetch(guest->seats[i]);
}

static struct seat *find_seat(const struct guest *guest, struct id room)
{
    for (size_t i = 0; i < guest->n; i++)
        if (id_eq(guest->seats[i]->hall->id, room)) return guest->seats[i];
    return NULL;
}

bool guest_sits(const struct guest *guest, struct id room)
{
    return find_seat(guest, room) != NULL;
}

static void append(struct seat ***list, size_t *n, size_t *cap, struct seat *seat)
{
    *list = mem_one_more(*list, *n, cap, sizeof **list);
    (*list)[(*n)++] = seat;
}

static struct seat *take_seat(struct guest *guest, struct hall *hall, uint32_t mark)
{
    struct seat *seat = mem_zero(sizeof *seat);

    seat->guest = guest;
    seat->hall = hall;
    seat->in_hall = hall->n;
    seat->in_guest = guest->n;
    seat->base = -1;
    seat->mark = mark;
    guest->changes++;
    append(&hall->seats, &hall->n, &hall->cap, seat);
    append(&guest->seats, &guest->n, &guest->cap, seat);
    return seat;
}

/* A second join: a client that lost our answer.  If the first is still under way, it answers both alike: not yet. */
static void sit_again(struct seat *seat, guest_seated_fn *seated, void *arg)
{
    if (seat->seated != NULL)
        seated(arg, ERR_CONFLICT, 0);
    else
        seated(arg, OK, seat_heard(seat));
}

void guest_sit(struct guest *guest, struct id room, int64_t since, guest_seated_fn *seated, void *arg)
{
    struct seat *seat = find_seat(guest, room);

    if (seat != NULL) {
        sit_again(seat, seated, arg);
        return;
    }
    enum err e = guest->n >= guest->home->rooms_max ? ERR_TOO_LARGE : sio_hold(guest->socket, SEAT_BYTES);
    if (e != OK) {
        seated(arg, e, 0);
        return;
    }
    struct hall *hall = hall_get(guest->home, room);
    seat = take_seat(guest, hall, guest->next_mark++);
    seat->seq = since;
    seat->seated = seated;
    seat->arg = arg;
    if (hall->seq >= 0)
        seat_begin(seat);
    else
        hall_pursue(hall);
}

void guest_resume(struct guest *guest, const struct guest_mark *mark, int64_t seq)
{
    struct hall *hall = hall_get(guest->home, mark->room);
    struct seat *seat = take_seat(guest, hall, mark->mark);
    sio_hold_anyway(guest->socket, SEAT_BYTES);

    seat->base = mark->base;
    seat->seq = seq;
    if (hall->seq >= 0)
        seat_begin(seat);
    else
        hall_pursue(hall);
}

bool guest_mark(const struct guest *guest, size_t i, struct guest_mark *out)
{
    const struct seat *seat = guest->seats[i];

    *out = (struct guest_mark){ seat->hall->id, seat->mark, seat->base };
    return seat->base >= 0;
}

bool guest_leave(struct guest *guest, struct id room)
{
    struct seat *seat = find_seat(guest, room);

    if (seat == NULL) return false;
    seat_leave(seat);
    return true;
}

void guest_review(struct guest *guest, bool (*may)(void *arg, struct id room), void *arg)
{
    for (size_t i = guest->n; i-- > 0;)
        if (!may(arg, guest->seats[i]->hall->id)) seat_remove(guest->seats[i]);
}
