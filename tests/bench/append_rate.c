/*
 * append_rate.c - acknowledged messages per second, straight over rpc.
 *
 *      append_rate STORE_ENDPOINT CHAT_ENDPOINT KEY_DIR [IN_FLIGHT [SECONDS [ROOMS]]]      (1000, 3, 10)
 *
 * As the gateway would: makes rooms, then keeps IN_FLIGHT appends unanswered.  Prints one line.
 */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>

#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/rpc/rpc_client.h"

#define MAX_ROOMS 1000

static struct id rooms[MAX_ROOMS];
static size_t n_rooms = 10, n_made, in_flight = 1000, n_open, n_sent, n_acked, n_refused;
static int64_t seconds = 3, began_us, until_us;
static struct rpc_client *chat, *store;
static const struct principal who = { .sub = { "bench", 5 }, .kind = { "token", 5 } };

static void call(
    struct rpc_client *client, const char *method, const struct wire_shape *shape, const void *rec, rpc_reply_fn *done)
{
    static struct buf body = BUF(1 << 20);

    buf_clear(&body);
    enum err e = wire_encode(shape, rec, &body);
    assert(e == OK);
    rpc_client_call(client,
        &(struct rpc_request){
            .method = method, .safe = true, .budget_ms = 10000, .who = &who, .body = buf_str(&body) },
        done, NULL);
}

static void on_acked(void *arg, enum err status, struct str body);

static void send_one(void)
{
    char id[40];
    int len = snprintf(id, sizeof id, "bench-%lld-%zu", (long long)began_us, n_sent);
    struct message_draft draft = { .room = rooms[n_sent % n_rooms],
        .id = { id, (size_t)len },
        .body = STR("hello there, this is a message of about sixty bytes or so") };

    n_sent++;
    n_open++;
    call(store, "message.append", message_draft_shape(), &draft, on_acked);
}

static void on_acked(void *arg, enum err status, struct str body)
{
    (void)arg, (void)body;
    n_open--;
    *(status == OK ? &n_acked : &n_refused) += 1;
    if (clock_mono_us() < until_us)
        send_one();
    else if (n_open == 0)
        ev_break(ev_default_loop(0), EVBREAK_ALL);
}

static void begin(void)
{
    began_us = clock_mono_us();
    until_us = began_us + seconds * 1000000;
    for (size_t i = 0; i < in_flight; i++) send_one();
}

static void on_room(void *arg, enum err status, struct str body)
{
    struct arena *arena = arena_create("bench", 1 << 20);
    struct wire_error why = { 0 };
    struct room room;

    (void)arg;
    if (status != OK || wire_decode(room_shape(), body, arena, &room, &why) != OK) {
        fprintf(stderr, "no room: %s\n", err_code(status));
        exit(1);
    }
    rooms[n_made++] = room.id;
    arena_destroy(&arena);
    if (n_made == n_rooms) begin();
}

static void on_up(void *arg, struct id instance)
{
    (void)arg, (void)instance;
}
static void on_down(void *arg, bool told)
{
    (void)arg, (void)told;
}
static void on_event(void *arg, const struct frame_event *head, struct str body)
{
    (void)arg, (void)head, (void)body;
}

static struct rpc_client *connect_to(const char *service, const char *endpoint, const char *key_dir)
{
    return rpc_client_create(ev_default_loop(0), &(struct rpc_client_config){ .self = "gateway",
                                                     .service = service,
                                                     .endpoint = endpoint,
                                                     .key_dir = key_dir,
                                                     .pending_max = 100000,
                                                     .up = on_up,
                                                     .down = on_down,
                                                     .event = on_event });
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: append_rate STORE_ENDPOINT CHAT_ENDPOINT KEY_DIR [IN_FLIGHT [SECONDS [ROOMS]]]\n");
        return 2;
    }
    in_flight = argc > 4 ? strtoul(argv[4], NULL, 10) : in_flight;
    seconds = argc > 5 ? strtol(argv[5], NULL, 10) : seconds;
    n_rooms = argc > 6 ? strtoul(argv[6], NULL, 10) : n_rooms;
    if (n_rooms < 1 || n_rooms > MAX_ROOMS || in_flight < 1 || in_flight > 50000 || seconds < 1) return 2;
    log_init("bench", LOG_WARN);
    store = connect_to("store", argv[1], argv[3]);
    chat = connect_to("chat", argv[2], argv[3]);
    for (size_t i = 0; i < n_rooms; i++)
        call(chat, "room.create", room_draft_shape(), &(struct room_draft){ .name = STR("bench") }, on_room);
    ev_run(ev_default_loop(0), 0);

    double took = (double)(clock_mono_us() - began_us) / 1e6;
    printf("%zu in flight, %zu rooms: %.0f acknowledged messages/s (%zu in %.2f s, %zu refused)\n", in_flight, n_rooms,
        (double)n_acked / took, n_acked, took, n_refused);
    rpc_client_destroy(&store);
    rpc_client_destroy(&chat);
    return 0;
}
