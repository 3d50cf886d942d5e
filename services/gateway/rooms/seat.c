/* seat.c - one socket in one room: live, or on its way there through the store's log. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "libshared/base/log.h"
#include "services/gateway/methods.h"
#include "libshared/base/invariant.h"
#include "services/gateway/rooms/halls_inside.h"

struct fetch {
    struct halls *halls;
    struct seat *seat;
}; /* seat NULL: it was left meanwhile */

void seat_answer(struct seat *seat, enum err e)
{
    guest_seated_fn *seated = seat->seated;

    seat->seated = NULL;
    if (seated != NULL) seated(seat->arg, e, e == OK ? seat->hall->seq : 0);
}

static void set_state(struct seat *seat, enum seat_state state)
{
    struct hall *hall = seat->hall;

    if (seat->state == SEAT_FETCHING && --hall->fetching == 0) backlog_clear(&hall->recent);
    if (state == SEAT_FETCHING) hall->fetching++;
    seat->state = state;
}

static void go_live(struct seat *seat)
{
    set_state(seat, SEAT_LIVE);
    seat_answer(seat, OK);
}

/* Who sits down again has a base, and may know more than this hall does yet; a `since` is only what somebody says. */
void seat_begin(struct seat *seat)
{
    if (seat->base < 0) {
        if (seat->seq < 0 || seat->seq > seat->hall->seq) seat->seq = seat->hall->seq;
        seat->base = seat->seq;
    }
    if (seat->seq >= seat->hall->seq)
        go_live(seat);
    else
        seat_fetch(seat);
}

void seat_pause(struct seat *seat)
{
    seat->seq = seat_heard(seat);
    set_state(seat, SEAT_BEHIND);
    metric_add(seat->hall->home->paused, 1);
}

/* What came live while the page was on its way: true if that closes the gap. */
static bool catch_up(struct seat *seat)
{
    const struct backlog *recent = &seat->hall->recent;

    if (recent->n > 0 && recent->at[0].seq <= seat->seq + 1)
        for (size_t i = 0; i < recent->n; i++)
            if (recent->at[i].seq == seat->seq + 1) {
                seat_send(seat, recent->at[i].seq, recent->at[i].packet);
                seat->seq++;
            }
    return seat->seq >= seat->hall->seq;
}

/* What lies beyond the hall's own seq will come live; what a slow socket can't take now, it is asked for again. */
static void send_page(struct seat *seat, const struct message_page *page)
{
    for (size_t i = 0; i < page->messages.len && !sio_is_slow(seat->guest->socket); i++) {
        const struct message *message = &page->messages.at[i];
        if (message->seq <= seat->seq || message->seq > seat->hall->seq) continue;
        struct eio_packet *packet = frame_of_message(message);
        seat_send(seat, message->seq, packet);
        eio_packet_drop(packet);
        seat->seq = message->seq;
    }
}

static void take_page(struct seat *seat, const struct message_page *page)
{
    int64_t before = seat->seq;

    send_page(seat, page);
    if (sio_is_slow(seat->guest->socket)) {
        set_state(seat, SEAT_BEHIND);
    } else if (catch_up(seat)) {
        go_live(seat);
    } else if (seat->seq > before) {
        seat_fetch(seat);
    } else {
        LOG_BOUNDED(ERROR, "gateway.log_gap", F_ID("room", seat->hall->id), F_INT("after", seat->seq),
            F_INT("want", seat->hall->seq));
        go_live(seat);
    }
}

/* Who joins is told; who was live before stays behind until the next try. */
static void fetch_failed(struct seat *seat, enum err e)
{
    struct halls *halls = seat->hall->home;

    if (seat->seated != NULL) {
        seat_answer(seat, e);
        seat_leave(seat);
        return;
    }
    set_state(seat, SEAT_BEHIND);
    if (!ev_is_active(&halls->retry)) ev_timer_start(halls->loop, &halls->retry);
}

static void on_page(void *arg, enum err status, struct str body)
{
    struct fetch *fetch = arg;
    struct halls *halls = fetch->halls;
    struct seat *seat = fetch->seat;
    struct message_page page = { 0 };
    struct wire_error why;

    mem_free(fetch);
    if (seat == NULL) return;
    seat->fetch = NULL;
    if (status == OK) status = wire_decode(message_page_shape(), body, halls->arena, &page, &why);
    if (status == OK)
        take_page(seat, &page);
    else
        fetch_failed(seat, status);
    arena_reset(halls->arena);
}

void seat_fetch(struct seat *seat)
{
    struct halls *halls = seat->hall->home;

    assert(seat->fetch == NULL);
    set_state(seat, SEAT_FETCHING);
    seat->fetch = mem_alloc(sizeof *seat->fetch);
    *seat->fetch = (struct fetch){ halls, seat };
    method_ask_for(halls->store, M_log_since, seat->guest->subject,
        &(struct log_query){ .room = seat->hall->id, .after = seat->seq, .limit = FETCH_LIMIT }, on_page, seat->fetch);
}

static void unseat(struct seat *seat)
{
    struct hall *hall = seat->hall;
    struct guest *guest = seat->guest;

    hall->seats[seat->in_hall] = hall->seats[--hall->n];
    hall->seats[seat->in_hall]->in_hall = seat->in_hall;
    for (size_t i = seat->in_guest + 1; i < guest->n; i++) {
        guest->seats[i - 1] = guest->seats[i];
        guest->seats[i - 1]->in_guest = i - 1;
    }
    guest->n--;
    guest->changes++;
    sio_release(guest->socket, SEAT_BYTES);
}

void seat_leave(struct seat *seat)
{
    struct hall *hall = seat->hall;

    seat_answer(seat, ERR_SHUTTING_DOWN);
    set_state(seat, SEAT_WAITING);
    if (seat->fetch != NULL) seat->fetch->seat = NULL;
    unseat(seat);
    mem_free(seat);
    CHECK_STEP(hall_check(hall));
    hall_close_if_empty(hall);
}

void seat_remove(struct seat *seat)
{
    char room[ID_TEXT_BYTES + 1];
    struct buf json = BUF(4096);
    struct access_change change = { .room = seat->hall->id, .subject = seat->guest->subject };

    id_format(seat->hall->id, room);
    enum err e = wire_write_json(access_change_shape(), &change, &json);
    assert(e == OK);
    sio_emit(seat->guest->socket, "room:removed", buf_str(&json));
    LOG(INFO, "gateway.room_removed", F_TEXT("room", room), F_STR("subject", seat->guest->subject));
    buf_free(&json);
    seat_leave(seat);
}
