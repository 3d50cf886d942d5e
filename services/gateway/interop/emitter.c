/* emitter.c - what Redis brings reaches the sockets that it is for. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/interop/emitter.h"

#include "libshared/base/log.h"
#include "libshared/cache/redis.h"
#include "libshared/base/metrics.h"
#include "libshared/wire/event_names.h"
#include "services/gateway/interop/broadcast.h"

#define CHANNEL_MAX    512
#define SCRATCH_SPARE  (4u << 20) /* names of rooms, beside the event */
#define SCRATCH_FACTOR 8          /* JSON of msgpack */

struct emitter;

/* What is heard for one namespace. */
struct emitter_listener {
    struct emitter *emitter;
    struct str nsp;
};

struct emitter {
    struct roster *roster;
    const char *key;
    size_t bytes_max;
    bool any_event;
    struct arena *scratch; /* emptied after each message */
    struct emitter_listener *listeners;
    struct metric *taken, *dropped, *sent, *missed;
};

static void drop_message(struct emitter *emitter, struct str channel, struct str bytes)
{
    metric_add(emitter->dropped, 1);
    LOG(DEBUG, "emitter.dropped", F_STR("channel", channel), F_INT("bytes", bytes.len));
}

/* --- broadcasts --- */

/* The room that the channel is for: what stands between <key>#<nsp># and the last #.  Empty: all, or several. */
static struct str room_of(const struct emitter_listener *listener, struct str channel)
{
    size_t before = str_of(listener->emitter->key).len + 1 + listener->nsp.len + 1;

    if (channel.len <= before || channel.at[channel.len - 1] != '#') return STR_NONE;
    return (struct str){ channel.at + before, channel.len - before - 1 };
}

static void send_to(struct emitter *emitter, struct sio_socket *socket, const struct broadcast *broadcast,
    struct eio_packet *const *packets)
{
    if (broadcast->is_volatile)
        sio_send_volatile(socket, packets, 1 + broadcast->n_parts);
    else if (sio_is_slow(socket))
        metric_add(emitter->missed, 1);
    else
        sio_send_parts(socket, packets, 1 + broadcast->n_parts);
}

/* In the namespace of our rooms nobody else says what we say there. */
static bool may_be_said(const struct emitter *emitter, struct str nsp, struct str name)
{
    return emitter->any_event || !str_eq(nsp, rooms_namespace()) || !event_is_ours(name);
}

static void deliver_broadcast(struct emitter *emitter, const struct broadcast *broadcast)
{
    struct eio_packet *packets[1 + SIO_MAX_ATTACHMENTS];
    struct client *const *clients;
    size_t n = roster_select(emitter->roster, &broadcast->who, &clients);

    packets[0] = eio_packet_text(broadcast->text);
    for (unsigned i = 0; i < broadcast->n_parts; i++) packets[1 + i] = eio_packet_binary(broadcast->parts[i]);
    for (size_t i = 0; i < n; i++) send_to(emitter, clients[i]->socket, broadcast, packets);
    for (unsigned i = 0; i < 1 + broadcast->n_parts; i++) eio_packet_drop(packets[i]);
    metric_add(emitter->sent, (int64_t)n);
}

static void on_broadcast(void *arg, struct str channel, struct str bytes)
{
    struct emitter_listener *listener = arg;
    struct emitter *emitter = listener->emitter;
    struct str room = room_of(listener, channel);
    struct broadcast broadcast;

    if (room.len > 0 && !roster_is_anyone_in(emitter->roster, listener->nsp, room)) return;
    if (bytes.len <= emitter->bytes_max && broadcast_read(bytes, listener->nsp, emitter->scratch, &broadcast) &&
        !arena_is_over(emitter->scratch) && may_be_said(emitter, listener->nsp, broadcast.name)) {
        metric_add(emitter->taken, 1);
        deliver_broadcast(emitter, &broadcast);
    } else {
        drop_message(emitter, channel, bytes);
    }
    arena_reset(emitter->scratch);
}

/* --- requests --- */

static void rearrange_rooms(struct roster *roster, const struct request *request, struct client *client)
{
    if (request->type == REQUEST_JOIN)
        roster_join(roster, client, request->rooms, request->n_rooms);
    else
        roster_leave(roster, client, request->rooms, request->n_rooms);
}

static void disconnect_socket(const struct request *request, struct sio_socket *socket)
{
    LOG(INFO, "emitter.disconnect", F_TEXT("socket", sio_sid(socket)), F_BOOL("session", request->close));
    if (request->close)
        sio_disconnect_session(socket);
    else
        sio_disconnect(socket);
}

static void disconnect_all(const struct request *request, struct client *const *clients, size_t n)
{
    struct sio_socket **held = mem_alloc((n + 1) * sizeof *held);

    for (size_t i = 0; i < n; i++) held[i] = sio_socket_take(clients[i]->socket);
    for (size_t i = 0; i < n; i++) {
        disconnect_socket(request, held[i]);
        sio_socket_drop(held[i]);
    }
    mem_free(held);
}

static void obey_request(struct emitter *emitter, const struct request *request)
{
    struct client *const *clients;

    if (request->type == REQUEST_OTHER) return;
    size_t n = roster_select(emitter->roster, &request->who, &clients);
    if (request->type == REQUEST_DISCONNECT)
        disconnect_all(request, clients, n);
    else
        for (size_t i = 0; i < n; i++) rearrange_rooms(emitter->roster, request, clients[i]);
}

static void on_request(void *arg, struct str channel, struct str bytes)
{
    struct emitter_listener *listener = arg;
    struct emitter *emitter = listener->emitter;
    struct request request;

    if (bytes.len <= emitter->bytes_max && request_read(bytes, listener->nsp, emitter->scratch, &request) &&
        !arena_is_over(emitter->scratch)) {
        metric_add(emitter->taken, 1);
        obey_request(emitter, &request);
    } else {
        drop_message(emitter, channel, bytes);
    }
    arena_reset(emitter->scratch);
}

/* --- its life --- */

/* A namespace or key with *, ? or [ in its name is meant literally. */
static void put_literal(struct buf *pattern, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (c == '*' || c == '?' || c == '[' || c == ']' || c == '\\') buf_add_char(pattern, '\\');
        buf_add_char(pattern, c);
    }
}

static void listen_for(struct emitter_listener *listener, struct redis *redis)
{
    struct buf pattern = BUF(CHANNEL_MAX), channel = BUF(CHANNEL_MAX);

    put_literal(&pattern, str_of(listener->emitter->key));
    buf_add_char(&pattern, '#');
    put_literal(&pattern, listener->nsp);
    buf_add_str(&pattern, STR("#*"));
    buf_printf(&channel, "%s-request#%.*s#", listener->emitter->key, STR_ARG(listener->nsp));
    if (pattern.over || channel.over) {
        LOG(ERROR, "emitter.name_too_long", F_STR("namespace", listener->nsp));
    } else {
        redis_subscribe(redis, buf_str(&pattern), true, on_broadcast, listener);
        redis_subscribe(redis, buf_str(&channel), false, on_request, listener);
    }
    buf_free(&pattern);
    buf_free(&channel);
}

static void count_with(struct emitter *emitter)
{
    const char *name = "madang_emitter_messages_total", *help = "What redis-emitters published";
    const char *events = "madang_emitter_deliveries_total", *events_help = "Their events, for one socket each";

    emitter->taken = metric_counter(name, "result=\"taken\"", help);
    emitter->dropped = metric_counter(name, "result=\"dropped\"", help);
    emitter->sent = metric_counter(events, "result=\"addressed\"", events_help);
    emitter->missed = metric_counter(events, "result=\"slow\"", events_help);
}

struct emitter *emitter_create(struct redis *redis, struct roster *roster, const struct emitter_config *config)
{
    size_t n = config->n_namespaces;
    struct emitter *emitter = mem_zero(sizeof *emitter);

    emitter->roster = roster;
    emitter->key = config->key;
    emitter->any_event = config->any_event;
    emitter->bytes_max = 4 * (size_t)config->max_payload;
    /* bound: bytes_max, of a message; names asked for after reading */
    emitter->scratch = arena_create("emitter", SCRATCH_FACTOR * emitter->bytes_max + SCRATCH_SPARE);
    emitter->listeners = mem_zero((n + 1) * sizeof *emitter->listeners);
    count_with(emitter);
    for (size_t i = 0; i < n; i++) {
        emitter->listeners[i] = (struct emitter_listener){ emitter, str_of(config->namespaces[i].name) };
        listen_for(&emitter->listeners[i], redis);
    }
    return emitter;
}

void emitter_destroy(struct emitter **emitter)
{
    if (*emitter == NULL) return;
    arena_destroy(&(*emitter)->scratch);
    mem_free((*emitter)->listeners);
    mem_free(*emitter);
    *emitter = NULL;
}
