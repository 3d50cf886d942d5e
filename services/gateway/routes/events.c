/* events.c - events of sockets with an identity. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "services/gateway/routes/routes_private.h"

/* The largest record that an event may bring is a message: 10,000 characters, of up to 12 bytes as escapes, and its meta. */
#define ARGS_BYTES_MAX (256u << 10)

static void on_reply(void *arg, enum err status, struct str body)
{
    struct event_call *call = arg;
    struct arena *scratch = call->routes->scratch;

    if (status != OK)
        event_call_failed(call, body);
    else
        event_call_answer(call, methods[call->row->method].rep(), body);
    arena_reset(scratch);
}

static void forward_call(struct event_call *call, struct str body)
{
    const struct event_row *row = call->row;

    call->membership.stamp = rooms_membership_stamp(call->routes->rooms, call->room);
    event_call_ask(call, row->service, row->method, body, row->effect == EFFECT_JOIN ? join_entered : on_reply);
}

/* What follows in a room that is changed waits, and a JOIN is ours too: from where on is remembered. */
static void note_room(struct event_call *call, const struct wire_shape *shape, const void *record)
{
    if (call->row->effect == EFFECT_CALL) return;
    const struct wire_field *room = wire_find(shape, STR("room"));
    assert(room != NULL && room->kind == WIRE_ID);
    call->room = *(const struct id *)(const void *)((const char *)record + room->at);
    if (call->row->effect != EFFECT_JOIN) return;
    assert(shape == room_entry_shape());
    call->since = ((const struct room_entry *)record)->since;
}

/* Whether it may hear the room was asked before its arguments were read; `since` is one of them. */
static enum err check_since(const struct event_call *call, const struct client *client, struct wire_error *why)
{
    if (call->row->effect != EFFECT_JOIN || join_is_allowed(call, client)) return OK;
    return wire_refuse(why, ERR_FORBIDDEN, "since", "since: reads the room's log, which the policy does not allow");
}

static void start_call(
    struct event_call *call, struct client *client, const struct wire_shape *shape, const void *record)
{
    struct buf body = BUF(REPLY_BYTES_MAX);
    struct wire_error why = { 0 };
    enum err e = wire_encode(shape, record, &body);

    note_room(call, shape, record);
    if (e == OK) e = check_since(call, client, &why);
    if (e != OK) {
        struct failure failure = refusal_of(e, &why);
        event_call_refuse(call, &failure);
        buf_free(&body);
        return;
    }
    if (call->row->effect != EFFECT_CALL) order_begin(call, client);
    if (call->row->effect == EFFECT_LEAVE)
        leave_event(call, call->room);
    else if (call->row->effect == EFFECT_WATCH || call->row->effect == EFFECT_UNWATCH)
        watch_event(call, call->room);
    else
        forward_call(call, buf_str(&body));
    buf_free(&body);
}

/* Before there is a call. */
static void refuse_event(
    struct client *client, const struct event_row *row, const struct sio_event *event, const struct failure *failure)
{
    measure_event(row, err_find(failure->code.at, failure->code.len), 0);
    refusal_send(client->socket, event->ack, failure);
}

static void refuse_plainly(
    struct client *client, const struct event_row *row, const struct sio_event *event, enum err e)
{
    struct failure failure = refusal_plain(e);

    refuse_event(client, row, event, &failure);
}

static enum err read_args(const struct sio_event *event, const struct wire_shape *shape, struct arena *arena,
    void *record, struct wire_error *why)
{
    struct str json = event->first.len > 0 ? event->first : STR("{}"); /* none at all is an empty object */

    if (json.at[0] != '{')
        return wire_refuse(why, ERR_INVALID_ARGUMENT, NULL, "the first argument has to be an object");
    return wire_read_json(shape, json, arena, record, why);
}

static void call_with_args(
    struct routes *routes, struct client *client, const struct event_row *row, const struct sio_event *event)
{
    const struct wire_shape *shape = methods[row->method].req();
    void *record = arena_zero(routes->scratch, shape->size + 1); /* `nothing` has no size */
    struct wire_error why = { 0 };
    enum err e = read_args(event, shape, routes->scratch, record, &why);

    if (e != OK) {
        struct failure failure = refusal_of(e, &why);
        refuse_event(client, row, event, &failure);
    } else if (!event_charge_items(routes, client, row->class, count_items(shape, record), event->ack)) {
        measure_event(row, ERR_RATE_LIMITED, 0);
    } else {
        start_call(event_call_begin(routes, client->socket, row, event->ack), client, shape, record);
    }
}

/* What costs least is asked first: the arguments of an event that is over a rate or not allowed are not read. */
static void call_method(
    struct routes *routes, struct client *client, const struct event_row *row, const struct sio_event *event)
{
    struct str room = STR_NONE;

    if (!event_charge(routes, client, row->class, event)) {
        measure_event(row, ERR_RATE_LIMITED, 0);
        return;
    }
    event_room(event, routes->scratch, &room);
    if (!client_may(client, event->name, room, row->action))
        refuse_plainly(client, row, event, ERR_FORBIDDEN);
    else if (event->first.len > ARGS_BYTES_MAX)
        refuse_plainly(client, row, event, ERR_TOO_LARGE);
    else
        call_with_args(routes, client, row, event);
}

void routes_event(struct routes *routes, struct client *client, const struct sio_event *event)
{
    const struct event_row *row = event_row_find(sio_nsp(client->socket), event->name);

    if (row != NULL)
        call_method(routes, client, row, event);
    else
        relay_event(routes, client, event);
    arena_reset(routes->scratch);
}

static bool on_row_event(void *object, struct client *client, const struct sio_event *event)
{
    struct routes *routes = object;

    if (!order_waits(client, event)) routes_event(routes, client, event);
    arena_reset(routes->scratch);
    return true;
}

static void on_closed(void *object, struct client *client, const char *reason)
{
    (void)object, (void)reason;
    order_forget(client);
}

const struct client_feature routes_feature = {
    .slot_bytes = sizeof(struct order *), .event = on_row_event, .closed = on_closed
};

void routes_init(struct routes *routes)
{
    /* bound: the decoder asks */
    routes->scratch = arena_create("routes", 8u << 20);
    order_init(routes);
    for (int needs = 0; needs < PAGE_NEEDS; needs++)
        page_content_policy(routes->page_policy[needs], (enum page_needs)needs);
}

void routes_free(struct routes *routes)
{
    order_free(routes);
    arena_destroy(&routes->scratch);
}
