/* relay.c - an event that no row knows and a policy names: carried to its room with its sender, and never stored. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/nearest.h"
#include "libshared/wire/event_names.h"
#include "libshared/wire/json.h"
#include "libshared/wire/json_set.h"
#include "libshared/wire/json_text.h"
#include "services/gateway/routes/routes_private.h"

#define RELAY_BYTES_MAX       (2u << 20)
#define ATTACHMENTS_BYTES_MAX (1u << 20)
#define ARGS_BYTES_MAX        65536 /* proto/chat.def: relay.args */
#define NAMES_MAX             256   /* that are compared with one that nothing answers */
#define SHOWN_BYTES_MAX       64

static void refuse_event(struct client *client, int64_t ack, enum err e)
{
    struct failure failure = refusal_plain(e);

    measure_event(NULL, e, 0);
    refusal_send(client->socket, ack, &failure);
}

static bool is_true(struct str object, const char *name)
{
    struct str raw;

    return json_find(object, name, &raw) && str_is(raw, "true");
}

/* What stands for an attachment is heard as those bytes, in which no sender can be set. */
static bool is_attachment(const struct sio_event *event)
{
    return event->n_attachments > 0 && is_true(event->first, "_placeholder");
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
    struct event_call *call = arg;

    if (status != OK)
        event_call_failed(call, body);
    else
        event_call_answer(call, nothing_shape(), body);
}

static void carry_event(
    struct routes *routes, struct client *client, const struct sio_event *event, const struct relay *relay)
{
    struct buf body = BUF(RELAY_BYTES_MAX);

    if (wire_encode(relay_shape(), relay, &body) == OK)
        event_call_ask(event_call_begin(routes, client->socket, NULL, event->ack), SERVICE_chat, M_chat_room_relay,
            buf_str(&body), on_relayed);
    else
        refuse_event(client, event->ack, ERR_TOO_LARGE);
    buf_free(&body);
}

/* ["name", {"sender":..., as it was written}, as they were written]: the name is the one that was asked about. */
static bool put_args(const struct client *client, const struct sio_event *event, struct buf *out)
{
    const char *rest = event->first.at + event->first.len, *end = event->array.at + event->array.len;

    buf_add_char(out, '[');
    json_put_text(out, event->name);
    buf_add_char(out, ',');
    bool good = json_set_text(event->first, "sender", bearer_subject(client->rights.bearer), out);
    buf_add(out, rest, (size_t)(end - rest));
    return good && !out->over;
}

static void pack_event(struct routes *routes, struct client *client, const struct sio_event *event, struct id room)
{
    struct buf attachments = BUF(ATTACHMENTS_BYTES_MAX), args = BUF(ARGS_BYTES_MAX);
    bool fits = put_args(client, event, &args);
    struct relay relay = { .room = room,
        .namespace = sio_nsp(client->socket),
        .event = event->name,
        .args = buf_str(&args),
        .attachments = pack_attachments(event, &attachments),
        .count = event->n_attachments,
        .origin = str_of(sio_sid(client->socket)),
        .state = is_true(event->first, "state") };

    if (!fits || attachments.over)
        refuse_event(client, event->ack, ERR_TOO_LARGE);
    else
        carry_event(routes, client, event, &relay);
    buf_free(&attachments);
    buf_free(&args);
}

static bool is_first_word(struct str word, struct str name)
{
    return word.len > 0 && str_starts(name, word) && name.len > word.len && name.at[word.len] == ':';
}

/* Names of the namespace's events: those that are answered, and those that the client's policy has relayed.  Half a name
 * means the first that begins so. */
static struct str find_nearest(const struct client *client, struct str name)
{
    struct str names[NAMES_MAX], nsp = sio_nsp(client->socket);
    size_t n = 1;

    names[0] = STR("auth:refresh");
    n += event_row_names(nsp, names + n, NAMES_MAX - n);
    n += rights_named_events(&client->rights, nsp, names + n, NAMES_MAX - n);
    struct str nearest = nearest_of(name, names, n);
    for (size_t i = 0; nearest.len == 0 && i < n; i++)
        if (is_first_word(name, names[i])) nearest = names[i];
    return nearest;
}

static void refuse_unknown(struct client *client, const struct sio_event *event)
{
    struct wire_error why = { 0 };
    struct str nearest = find_nearest(client, event->name);

    if (nearest.len > 0 && event->name.len <= SHOWN_BYTES_MAX)
        wire_refuse(
            &why, ERR_NO_EVENT, NULL, "There is no event %.*s: %.*s perhaps?", STR_ARG(event->name), STR_ARG(nearest));
    struct failure failure = refusal_of(ERR_NO_EVENT, &why);
    failure.nearest = nearest;
    measure_event(NULL, ERR_NO_EVENT, 0);
    refusal_send(client->socket, event->ack, &failure);
}

static void refuse_shape(struct client *client, int64_t ack)
{
    struct failure failure = refusal_of(ERR_INVALID_ARGUMENT,
        &(struct wire_error){ .field = "room", .text = "the first argument has to be an object with the room" });

    measure_event(NULL, ERR_INVALID_ARGUMENT, 0);
    refusal_send(client->socket, ack, &failure);
}

static void relay_named(struct routes *routes, struct client *client, const struct sio_event *event)
{
    struct str text;
    struct id room;

    if (!event_room(event, routes->scratch, &text) || is_attachment(event))
        refuse_shape(client, event->ack);
    else if (!client_may(client, event->name, text, POLICY_PUBLISH))
        refuse_event(client, event->ack, ERR_FORBIDDEN);
    else if (!id_parse(text, &room) || !subscriber_is_in(client_subscriber(client), room))
        refuse_event(client, event->ack, ERR_NOT_JOINED);
    else
        pack_event(routes, client, event, room);
}

void relay_event(struct routes *routes, struct client *client, const struct sio_event *event)
{
    if (!event_charge(routes, client, CLASS_relay, event)) {
        measure_event(NULL, ERR_RATE_LIMITED, 0);
        return;
    }
    if (!event_is_free(event->name) || !rights_name(&client->rights, sio_nsp(client->socket), event->name))
        refuse_unknown(client, event);
    else
        relay_named(routes, client, event);
}
