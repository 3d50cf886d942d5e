/* event_call.c - one event on its way to a service and back: not too often, and never without an answer. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/clock.h"
#include "libshared/base/turn.h"
#include "services/gateway/routes/routes_private.h"

struct event_call *event_call_begin(
    struct routes *routes, struct sio_socket *socket, const struct event_row *row, int64_t ack)
{
    struct event_call *call = mem_zero(sizeof *call);

    call->routes = routes;
    call->socket = sio_socket_take(socket);
    call->row = row;
    call->ack = ack;
    call->began_us = turn_us();
    return call;
}

struct client *event_call_client(const struct event_call *call)
{
    return sio_is_open(call->socket) ? sio_user(call->socket) : NULL;
}

void event_call_ask(
    struct event_call *call, enum peer_service service, enum method_index method, struct str body, rpc_reply_fn *reply)
{
    size_t bytes = sizeof *call + body.len;
    enum err e = sio_hold(call->socket, bytes);

    if (e != OK) {
        struct failure failure = refusal_plain(e);
        event_call_refuse(call, &failure);
        return;
    }
    call->held = bytes;
    struct principal who = client_principal(event_call_client(call));
    char trace[ID_TEXT_BYTES + 1];
    id_format(id_new(), trace);
    method_call(call->routes->service[service], method, &who, str_of(trace), body, reply, call);
}

void event_call_end(struct event_call *call)
{
    order_end(call);
    sio_release(call->socket, call->held);
    sio_socket_drop(call->socket);
    mem_free(call);
}

void event_call_refuse(struct event_call *call, const struct failure *failure)
{
    measure_event(call->row, err_find(failure->code.at, failure->code.len), clock_mono_us() - call->began_us);
    if (sio_is_open(call->socket)) refusal_send(call->socket, call->ack, failure);
    event_call_end(call);
}

/* json: behind its opening bracket. */
static void send_answer(struct event_call *call, enum err e, struct buf *json)
{
    buf_add_char(json, ']');
    if (e != OK || json->over) {
        struct failure failure = refusal_plain(ERR_INTERNAL);
        event_call_refuse(call, &failure);
    } else {
        measure_event(call->row, OK, turn_us() - call->began_us);
        if (call->ack >= 0) sio_ack(call->socket, call->ack, buf_str(json), NULL, 0);
        event_call_end(call);
    }
    buf_free(json);
}

void event_call_answer(struct event_call *call, const struct wire_shape *shape, struct str body)
{
    struct arena *scratch = call->routes->scratch; /* of its own an answer would have 16 KiB, made and freed */
    void *record = arena_zero(scratch, shape->size + 1);
    struct buf json = BUF(REPLY_BYTES_MAX);
    struct wire_error why;
    enum err e = wire_decode(shape, body, scratch, record, &why);

    buf_add_char(&json, '[');
    if (e == OK) e = wire_write_json(shape, record, &json);
    send_answer(call, e, &json);
}

void event_call_answer_with(struct event_call *call, const struct wire_shape *shape, const void *record)
{
    struct buf json = BUF(REPLY_BYTES_MAX);

    buf_add_char(&json, '[');
    send_answer(call, wire_write_json(shape, record, &json), &json);
}

void event_call_failed(struct event_call *call, struct str body)
{
    /* bound: a failure has no lists */
    struct arena *arena = arena_create("failure", 65536);
    struct failure failure = { 0 };

    rpc_failure_read(body, arena, &failure);
    event_call_refuse(call, &failure);
    arena_destroy(&arena);
}

static bool charge_client(
    struct routes *routes, struct client *client, enum rate_class class, struct rate_payer *payer, int64_t ack)
{
    struct rate_state state;

    payer->who[BY_ADDRESS] = sio_address(client->socket);
    payer->who[BY_SUBJECT] = bearer_subject(client->rights.bearer);
    payer->who[BY_KEY] = bearer_key(client->rights.bearer);
    if (rates_charge(routes->rates, class, payer, turn_us(), &state)) return true;
    struct failure failure = refusal_over(&state);
    refusal_send(client->socket, ack, &failure);
    return false;
}

bool event_charge(struct routes *routes, struct client *client, enum rate_class class, const struct sio_event *event)
{
    int64_t bytes = (int64_t)event->array.len;

    for (unsigned i = 0; i < event->n_attachments; i++) bytes += (int64_t)event->attachments[i].len;
    struct rate_payer payer = { .amount = { [UNIT_CALLS] = 1, [UNIT_EVENTS] = 1, [UNIT_BYTES] = bytes } };
    return charge_client(routes, client, class, &payer, event->ack);
}

int64_t count_items(const struct wire_shape *shape, const void *record)
{
    int64_t n = 0;

    for (const struct wire_field *f = shape->fields; f->name != NULL; f++) n += (int64_t)wire_list_length(f, record);
    const struct wire_field *limit = wire_find(shape, STR("limit"));
    if (limit != NULL) n += *(const int64_t *)(const void *)((const char *)record + limit->at);
    return n;
}

bool event_charge_items(struct routes *routes, struct client *client, enum rate_class class, int64_t items, int64_t ack)
{
    struct rate_payer payer = { .amount = { [UNIT_ITEMS] = items } };

    return charge_client(routes, client, class, &payer, ack);
}
