/* relay.c - an event that no row knows: carried to the room that it names, as it came, and never stored. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/event_names.h"
#include "services/gateway/routes/inside.h"
#include "services/gateway/socketio/scan.h"

#define RELAY_BYTES_MAX       (2u << 20)
#define ATTACHMENTS_BYTES_MAX (1u << 20)

static void refuse(struct client *client, int64_t ack, enum err e)
{
    struct failure failure = refusal_plain(e);

    refusal_send(client->socket, ack, &failure);
}

static bool is_state(struct str first)
{
    struct str raw;

    return scan_member(first, "state", &raw) && str_is(raw, "true");
}

/* Each a 32-bit big-endian length, then its bytes. */
static struct str pack_attachments(const struct sio_event *event, struct buf *out)
{
    for (unsigned i = 0; i < event->n_attachments; i++) {
        size_t len = event->attachments[i].len;
        char head[4] = { (char)(len >> 24), (char)(len >> 16), (char)(len >> 8), (char)len };
        buf_add(out, head, sizeof head);
        buf_add_str(out, event->attachments[i]);
    }
    return event->n_attachments > 0 ? buf_str(out) : STR_NONE;
}

static void on_relayed(void *arg, enum err status, struct str body)
{
    struct on_call *call = arg;

    if (status != OK)
        on_call_failed(call, body);
    else
        on_call_answer(call, nothing_shape(), body);
}

static void carry(
    struct routes *routes, struct client *client, const struct sio_event *event, const struct relay *relay)
{
    struct buf body = BUF(RELAY_BYTES_MAX);
    struct principal who = client_principal(client);
    char trace[ID_TEXT_BYTES + 1];

    id_format(id_new(), trace);
    if (wire_encode(relay_shape(), relay, &body) == OK)
        method_call(routes->service[SERVICE_chat], M_room_relay, &who, str_of(trace), buf_str(&body), on_relayed,
            on_call_begin(routes, client->socket, NULL, event->ack));
    else
        refuse(client, event->ack, ERR_TOO_LARGE);
    buf_free(&body);
}

static void pack(struct routes *routes, struct client *client, const struct sio_event *event, struct id room)
{
    struct buf attachments = BUF(ATTACHMENTS_BYTES_MAX);
    struct relay relay = { .room = room,
        .namespace = sio_nsp(client->socket),
        .event = event->name,
        .args = event->array,
        .attachments = pack_attachments(event, &attachments),
        .count = event->n_attachments,
        .origin = str_of(sio_sid(client->socket)),
        .state = is_state(event->first) };

    if (attachments.over)
        refuse(client, event->ack, ERR_TOO_LARGE);
    else
        carry(routes, client, event, &relay);
    buf_free(&attachments);
}

void relay_event(struct routes *routes, struct client *client, const struct sio_event *event)
{
    struct str text;
    struct id room;

    if (event->name.len == 0 || !event_room(event, routes->scratch, &text))
        refuse(client, event->ack, ERR_NO_EVENT);
    else if (event_is_ours(event->name)) /* nobody speaks in the server's voice */
        refuse(client, event->ack, ERR_FORBIDDEN);
    else if (!client_may(client, event->name, text, POLICY_PUBLISH))
        refuse(client, event->ack, ERR_FORBIDDEN);
    else if (!on_rate(routes, client, RATE_relay, event->ack))
        return;
    else if (!id_parse(text, &room) || !guest_sits(&client->guest, room))
        refuse(client, event->ack, ERR_NOT_JOINED);
    else
        pack(routes, client, event, room);
}
