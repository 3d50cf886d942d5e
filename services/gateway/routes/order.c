/*
 * order.c - what a socket sends about a room waits while its join, leave or change of members there is under way.
 *
 *      join A   ----> asked ................ answered, acknowledged
 *      message A          waits ------------------------------------> judged, and on its way
 *      message B          -----> on its way
 *
 * Policy, rate and membership are asked when an event's turn has come, so that a join that was refused changes nothing for
 * what follows it.  Waiting is bounded for each socket and for all together; what waits ends with its socket.
 */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <string.h>
#include <utlist.h>

#include "libshared/base/invariant.h"
#include "services/gateway/routes/routes_private.h"

#define WAITING_MAX       256 /* events of one socket */
#define WAITING_BYTES_MAX (256u << 10)
#define ALL_BYTES_MAX     (64u << 20) /* of all sockets */
#define RETRY_AFTER_MS    1000

struct waiting_event {
    struct waiting_event *prev, *next;
    size_t bytes;
    struct sio_event event; /* its texts are behind it */
    struct str attachments[];
};

/* A room that a socket is changing its place in. */
struct turnstile {
    struct turnstile *prev, *next;
    struct id room;
    bool is_closed; /* a change is under way */
    bool is_emptying;
    struct waiting_event *waiting;
};

struct order {
    struct routes *routes;
    struct sio_socket *socket;
    struct turnstile *rooms;
    size_t n, bytes; /* that wait */
};

/* NULL: nothing of its waits or is waited for. */
static struct order **slot_of(struct client *client)
{
    return client_slot(client, FEATURE_routes);
}

static struct turnstile *find_turnstile(struct client *client, struct id room)
{
    const struct order *order = *slot_of(client);
    struct turnstile *t;

    if (order == NULL) return NULL;
    DL_FOREACH(order->rooms, t)
        if (id_eq(t->room, room)) return t;
    return NULL;
}

/* What waits is counted, and a room has a turnstile while a change is under way or something waits for its turn. */
static void order_check(const struct order *order)
{
    const struct turnstile *t;
    const struct waiting_event *w;
    size_t n = 0, bytes = 0;

    if (order == NULL) return;
    DL_FOREACH(order->rooms, t) {
        assert(t->is_closed || t->is_emptying || t->waiting != NULL);
        DL_FOREACH(t->waiting, w) {
            n++;
            bytes += w->bytes;
        }
    }
    assert(order->rooms != NULL && order->n == n && order->bytes == bytes);
    assert(n <= WAITING_MAX && bytes <= WAITING_BYTES_MAX && order->routes->waiting_bytes >= bytes);
}

/* --- keeping an event --- */

static size_t bytes_of(const struct sio_event *event)
{
    size_t bytes =
        sizeof(struct waiting_event) + event->n_attachments * sizeof(struct str) + event->name.len + event->array.len;

    for (unsigned i = 0; i < event->n_attachments; i++) bytes += event->attachments[i].len;
    return bytes;
}

static struct str keep_text(char **at, struct str text)
{
    struct str kept = { *at, text.len };

    if (text.len == 0) return STR_NONE;
    memcpy(*at, text.at, text.len);
    *at += text.len;
    return kept;
}

/* The same part of the copied array. */
static struct str move_part(struct str of, struct str was, struct str now)
{
    return of.len > 0 ? (struct str){ now.at + (of.at - was.at), of.len } : STR_NONE;
}

static struct waiting_event *copy_event(const struct sio_event *event, size_t bytes)
{
    struct waiting_event *w = mem_zero(bytes);
    char *at = (char *)(w->attachments + event->n_attachments);

    w->bytes = bytes;
    w->event = *event;
    w->event.name = keep_text(&at, event->name);
    w->event.array = keep_text(&at, event->array);
    w->event.args = move_part(event->args, event->array, w->event.array);
    w->event.first = move_part(event->first, event->array, w->event.array);
    for (unsigned i = 0; i < event->n_attachments; i++) w->attachments[i] = keep_text(&at, event->attachments[i]);
    w->event.attachments = w->attachments;
    return w;
}

static void forget_event(struct order *order, struct turnstile *t, struct waiting_event *w)
{
    DL_DELETE(t->waiting, w);
    assert(order->n > 0 && order->bytes >= w->bytes);
    order->n--;
    order->bytes -= w->bytes;
    sio_release(order->socket, w->bytes);
    order->routes->waiting_bytes -= w->bytes;
}

static bool has_space(const struct order *order, size_t bytes)
{
    return order->n < WAITING_MAX && order->bytes + bytes <= WAITING_BYTES_MAX &&
           order->routes->waiting_bytes + bytes <= ALL_BYTES_MAX;
}

static void refuse_event(struct client *client, const struct sio_event *event)
{
    struct failure failure = refusal_later(ERR_OVERLOADED, RETRY_AFTER_MS);

    refusal_send(client->socket, event->ack, &failure);
}

bool order_waits(struct client *client, const struct sio_event *event)
{
    struct order *order = *slot_of(client);
    struct str text;
    struct id room;

    if (order == NULL || !event_room(event, order->routes->scratch, &text) || !id_parse(text, &room)) return false;
    struct turnstile *t = find_turnstile(client, room);
    if (t == NULL) return false;
    size_t bytes = bytes_of(event);
    if (!has_space(order, bytes) || sio_hold(order->socket, bytes) != OK) {
        refuse_event(client, event);
        return true;
    }
    struct waiting_event *w = copy_event(event, bytes);
    DL_APPEND(t->waiting, w);
    order->n++;
    order->bytes += bytes;
    order->routes->waiting_bytes += bytes;
    CHECK_STEP(order_check(order));
    return true;
}

/* --- a change begins and ends --- */

void order_begin(struct event_call *call, struct client *client)
{
    struct order **order = slot_of(client);
    struct turnstile *t = find_turnstile(client, call->room);

    if (*order == NULL) {
        *order = mem_zero(sizeof **order);
        (*order)->routes = call->routes;
        (*order)->socket = client->socket;
    }
    if (t == NULL) {
        t = mem_zero(sizeof *t);
        t->room = call->room;
        DL_APPEND((*order)->rooms, t);
    }
    t->is_closed = true;
    call->orders = true;
    CHECK_STEP(order_check(*order));
}

static void forget_turnstile(struct client *client, struct turnstile *t)
{
    struct order **order = slot_of(client);

    DL_DELETE((*order)->rooms, t);
    mem_free(t);
    if ((*order)->rooms != NULL) return;
    mem_free(*order);
    *order = NULL;
}

/* Sockets in whose room something may go on: a turn of the loop later, for whoever has just answered a change goes on with
 * the room, and with its subscribers. */
struct next_turn {
    struct next_turn *prev, *next;
    struct sio_socket *socket;
    struct id room;
};

/* One after the other, until one of them is a change itself.  Each may end the socket, and everything here with it. */
static void empty_turnstile(struct routes *routes, struct sio_socket *socket, struct id room)
{
    struct client *client;

    while ((client = sio_is_open(socket) ? sio_user(socket) : NULL) != NULL) {
        struct turnstile *t = find_turnstile(client, room);
        if (t == NULL) break;
        t->is_emptying = !t->is_closed && t->waiting != NULL;
        if (t->is_closed) break;
        if (t->waiting == NULL) {
            forget_turnstile(client, t);
            break;
        }
        struct waiting_event *w = t->waiting;
        forget_event(*slot_of(client), t, w);
        CHECK_STEP(order_check(*slot_of(client)));
        routes_event(routes, client, &w->event);
        mem_free(w);
    }
}

static void forget_turns(struct next_turn *turns)
{
    struct next_turn *turn, *next;

    DL_FOREACH_SAFE(turns, turn, next) {
        sio_socket_drop(turn->socket);
        mem_free(turn);
    }
}

/* Those that are added meanwhile have the next turn. */
static bool take_turns(void *arg)
{
    struct routes *routes = arg;
    struct next_turn *turns = routes->turns, *turn;

    routes->turns = NULL;
    DL_FOREACH(turns, turn) empty_turnstile(routes, turn->socket, turn->room);
    forget_turns(turns);
    return routes->turns != NULL;
}

static void empty_soon(struct routes *routes, struct sio_socket *socket, struct id room)
{
    struct next_turn *turn = mem_zero(sizeof *turn);

    turn->socket = sio_socket_take(socket);
    turn->room = room;
    DL_APPEND(routes->turns, turn);
    before_sleep_wake(&routes->turn);
}

void order_init(struct routes *routes)
{
    before_sleep_begin(&routes->turn, routes->loop, "ordered_events", take_turns, routes);
}

void order_free(struct routes *routes)
{
    before_sleep_end(&routes->turn);
    forget_turns(routes->turns);
}

void order_end(struct event_call *call)
{
    struct client *client = event_call_client(call);
    struct turnstile *t = call->orders && client != NULL ? find_turnstile(client, call->room) : NULL;

    if (t == NULL) return;
    t->is_closed = false;
    if (t->is_emptying) return; /* that goes on */
    if (t->waiting != NULL)
        empty_soon(call->routes, call->socket, call->room);
    else
        forget_turnstile(client, t);
    CHECK_STEP(order_check(*slot_of(client)));
}

void order_forget(struct client *client)
{
    struct order **order = slot_of(client);

    while (*order != NULL) {
        struct turnstile *t = (*order)->rooms;
        while (t->waiting != NULL) {
            struct waiting_event *w = t->waiting;
            forget_event(*order, t, w);
            mem_free(w);
        }
        forget_turnstile(client, t);
    }
}
