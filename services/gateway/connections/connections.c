/* connections.c - walks over all sessions: those that fit are told of, or ended. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/connections/connections.h"

#include <assert.h>
#include <string.h>

#include <utlist.h>

#include "libshared/base/before_sleep.h"
#include "libshared/base/clock.h"
#include "libshared/base/holding.h"
#include "libshared/base/log.h"
#include "libshared/base/network.h"
#include "libshared/base/secret.h"
#include "services/gateway/features.h"
#include "services/gateway/identity/refusal.h"

#define PATHS_MAX    2
#define SOCKETS_MAX  16           /* proto/chat.def: connection.sockets */
#define REPORT_MAX   200          /* proto/chat.def: connection_report.connections */
#define REPORT_BYTES (256u << 10) /* of one report; what is left is asked for again */

/* A question under way. */
struct asking {
    struct connections *home;
    struct arena *arena;
    size_t part; /* the process of chat that asks */
    struct connection_question question;
    struct network network; /* of question.which->address */
    struct id before;       /* of question.which->after; nil: from the newest on */
    struct eio_walk walks[PATHS_MAX];
    struct connection_report report;
    struct asking *prev, *next;
};

struct connections {
    struct ev_loop *loop;
    const struct service_pipes *chat;
    const struct clients *clients;
    struct eio *paths[PATHS_MAX];
    size_t n_paths;
    struct asking *askings;
    uint8_t own[8];   /* the end of each id: it is this process's */
    int64_t epoch_us; /* when the monotonic clock was 0, by the other one */
    struct before_sleep pump;
};

/* --- what a connection is --- */

static int64_t time_ms(const struct connections *connections, int64_t us)
{
    return (us + connections->epoch_us) / 1000;
}

/* UUIDv7, of when it began: no two of this gateway's begin at the same time. */
static struct id id_of(const struct connections *connections, const struct eio_session *session)
{
    int64_t us = eio_begun_us(session) + connections->epoch_us;
    uint64_t ms = (uint64_t)us / 1000, rest = (uint64_t)us % 1000;
    struct id id;

    for (int i = 0; i < 6; i++) id.b[i] = (uint8_t)(ms >> (40 - 8 * i));
    id.b[6] = (uint8_t)(0x70 | (rest >> 8));
    id.b[7] = (uint8_t)rest;
    memcpy(id.b + 8, connections->own, sizeof connections->own);
    return id;
}

static const struct bearer *bearer_of(const struct connections *connections, struct sio_socket *socket)
{
    const struct client *client = clients_find(connections->clients, socket);

    return client != NULL ? client->rights.bearer : NULL;
}

static bool is_or_any(struct str wanted, struct str is)
{
    return wanted.len == 0 || str_eq(wanted, is);
}

static bool socket_fits(
    const struct connections *connections, const struct connection_query *which, struct sio_socket *socket)
{
    const struct bearer *bearer = bearer_of(connections, socket);

    return sio_is_open(socket) && is_or_any(which->namespace, sio_nsp(socket)) &&
           is_or_any(which->subject, bearer_subject(bearer)) && is_or_any(which->key, bearer_key(bearer)) &&
           is_or_any(which->session, bearer_session(bearer));
}

static bool has_fitting_socket(const struct asking *asking, const struct eio_session *session)
{
    const struct connection_query *which = asking->question.which;
    struct sio_socket *socket;

    if (which->namespace.len + which->subject.len + which->key.len + which->session.len == 0) return true;
    for (socket = sio_first_socket(session); socket != NULL; socket = sio_next_socket(socket))
        if (socket_fits(asking->home, which, socket)) return true;
    return false;
}

static bool is_from_there(const struct asking *asking, const struct eio_session *session)
{
    struct in6_addr address;

    return asking->question.which->address.len == 0 ||
           (address_parse(eio_address(session), &address) && network_has(&asking->network, &address));
}

static bool fits(const struct asking *asking, const struct eio_session *session, struct id id)
{
    const struct connection_query *which = asking->question.which;

    return eio_user(session) != NULL && (id_is_nil(which->connection) || id_eq(which->connection, id)) &&
           (id_is_nil(asking->before) || memcmp(id.b, asking->before.b, sizeof id.b) < 0) &&
           is_from_there(asking, session) && has_fitting_socket(asking, session);
}

/* --- telling --- */

/* Nothing is absent. */
static struct str copy_text(struct arena *arena, struct str text)
{
    return text.len > 0 ? arena_str(arena, text) : STR_NONE;
}

static void tell_sockets(struct asking *asking, const struct eio_session *session, struct connection *out)
{
    struct arena *arena = asking->arena;
    struct sio_socket *socket;

    out->sockets.at = arena_alloc(arena, SOCKETS_MAX * sizeof *out->sockets.at);
    for (socket = sio_first_socket(session); socket != NULL; socket = sio_next_socket(socket)) {
        const struct bearer *bearer = bearer_of(asking->home, socket);
        if (!sio_is_open(socket)) continue;
        struct str subject = copy_text(arena, bearer_subject(bearer));
        if (subject.len > 0) out->subject = subject; /* of the first at last: the newest comes first */
        if (out->sockets.len == SOCKETS_MAX) continue;
        out->sockets.at[out->sockets.len++] =
            (struct connection_socket){ .id = copy_text(arena, str_of(sio_sid(socket))),
                .namespace = copy_text(arena, sio_nsp(socket)),
                .subject = subject,
                .key = copy_text(arena, bearer_key(bearer)),
                .session = copy_text(arena, bearer_session(bearer)) };
    }
}

static void tell_session(struct asking *asking, struct eio_session *session, struct id id)
{
    const struct connections *connections = asking->home;
    struct connection_list *list = &asking->report.connections;
    struct connection *out = &list->at[list->len++];

    *out = (struct connection){ .id = id,
        .address = arena_str(asking->arena, eio_address(session)),
        .transport = str_of(eio_transport(session)),
        .gateway = str_of(eio_gateway_id()),
        .since = time_ms(connections, eio_begun_us(session)),
        .heard = time_ms(connections, eio_heard_us(session)),
        .agent = copy_text(asking->arena, eio_agent(session)),
        .queued = (int64_t)eio_queued_bytes(session),
        .held = (int64_t)holding_bytes(eio_holding(session)) };
    tell_sockets(asking, session, out);
}

static bool is_full(const struct asking *asking)
{
    return (int64_t)asking->report.connections.len == asking->question.which->limit ||
           arena_used(asking->arena) > REPORT_BYTES;
}

/* --- ending --- */

/* Without a word a client takes it for a lost connection, and comes back. */
static void end_session(struct asking *asking, struct eio_session *session)
{
    struct sio_socket *socket = sio_first_socket(session), *next;

    for (; socket != NULL && !asking->question.back; socket = next) {
        next = sio_next_socket(socket);
        refusal_disconnect(socket, ERR_DISCONNECTED);
    }
    eio_close(session, asking->question.back ? "forced close" : "forced server close");
    asking->report.ended++;
}

/* --- walking --- */

/* At the session that began last, of all paths. */
static struct eio_walk *latest_walk(struct asking *asking)
{
    struct eio_walk *latest = NULL;

    for (size_t i = 0; i < asking->home->n_paths; i++) {
        struct eio_walk *walk = &asking->walks[i];
        if (eio_walk_next(walk) == NULL) continue;
        if (latest == NULL || eio_begun_us(eio_walk_next(walk)) > eio_begun_us(eio_walk_next(latest))) latest = walk;
    }
    return latest;
}

/* true: this one was told of, or ended. */
static bool look_at(struct asking *asking, struct eio_session *session)
{
    struct id id = id_of(asking->home, session);

    if (!fits(asking, session, id)) return false;
    if (asking->question.ends)
        end_session(asking, session);
    else if (is_full(asking))
        asking->report.more = true;
    else
        tell_session(asking, session, id);
    return true;
}

/* false: that was all. */
static bool walk_on(struct asking *asking)
{
    int seen = 0, done = 0;

    while (!asking->report.more && seen++ < CONNECTIONS_SEEN_MAX && done < CONNECTIONS_DONE_MAX) {
        struct eio_walk *walk = latest_walk(asking);
        if (walk == NULL) return false;
        struct eio_session *session = eio_walk_next(walk);
        eio_walk_pass(walk);
        done += look_at(asking, session);
    }
    return !asking->report.more;
}

static void end_asking(struct asking *asking)
{
    struct arena *arena = asking->arena;

    for (size_t i = 0; i < PATHS_MAX; i++) eio_walk_end(&asking->walks[i]);
    DL_DELETE(asking->home->askings, asking);
    arena_destroy(&arena);
}

/* Chat names a gateway whose report is lost. */
static void forget_reply(void *arg, enum err status, struct str body)
{
    (void)arg, (void)status, (void)body;
}

static void send_report(const struct asking *asking)
{
    const struct service_pipes pipe = { 1, { asking->home->chat->at[asking->part] } };

    if (asking->question.ends)
        LOG(INFO, "gateway.connections_ended", F_INT("n", asking->report.ended), F_INT("back", asking->question.back));
    method_ask(&pipe, M_chat_connection_report, &asking->report, forget_reply, NULL);
}

/* Each question has its turns among the others. */
static bool walk_some(void *arg)
{
    struct connections *connections = arg;
    struct asking *asking = connections->askings;

    if (asking == NULL) return false;
    if (walk_on(asking)) {
        DL_DELETE(connections->askings, asking);
        DL_APPEND(connections->askings, asking);
    } else {
        send_report(asking);
        end_asking(asking);
    }
    return connections->askings != NULL;
}

/* --- what chat asks --- */

static bool read_question(struct asking *asking, struct str body)
{
    struct connection_question *question = &asking->question;
    struct wire_error why;

    if (wire_decode(connection_question_shape(), arena_str(asking->arena, body), asking->arena, question, &why) != OK)
        return false;
    const struct connection_query *which = question->which;
    return (which->address.len == 0 || network_parse(which->address, &asking->network)) &&
           (which->after.len == 0 || id_parse(which->after, &asking->before));
}

static void begin_asking(struct connections *connections, size_t part, struct str body)
{
    /* bound: a report, and one session more */
    struct arena *arena = arena_create("connections", 4 * REPORT_BYTES);
    struct asking *asking = arena_zero(arena, sizeof *asking);

    *asking = (struct asking){ .home = connections, .arena = arena, .part = part };
    if (!read_question(asking, body)) {
        LOG_BOUNDED(ERROR, "gateway.question_unread");
        arena_destroy(&arena);
        return;
    }
    asking->report.ask = asking->question.ask;
    asking->report.connections.at = arena_alloc(arena, REPORT_MAX * sizeof *asking->report.connections.at);
    for (size_t i = 0; i < connections->n_paths; i++) eio_walk_begin(&asking->walks[i], connections->paths[i]);
    DL_APPEND(connections->askings, asking);
    before_sleep_wake(&connections->pump);
}

static bool on_service_event(void *object, struct service_part part, const struct frame_event *head, struct str body)
{
    bool is_mine = part.service == SERVICE_chat && str_is(head->name, "connection.asked");

    if (is_mine) begin_asking(object, part.index, body);
    return is_mine;
}

/* --- its life --- */

struct connections *connections_create(
    struct ev_loop *loop, const struct service_pipes *chat, const struct clients *clients)
{
    struct connections *connections = mem_zero(sizeof *connections);

    connections->loop = loop;
    connections->chat = chat;
    connections->clients = clients;
    connections->epoch_us = clock_ms() * 1000 - clock_mono_us();
    secret_random(connections->own, sizeof connections->own);
    connections->own[0] = (uint8_t)(0x80 | (connections->own[0] & 0x3F));
    before_sleep_begin(&connections->pump, loop, "connections.walk", walk_some, connections);
    return connections;
}

void connections_serve(struct connections *connections, struct eio *eio)
{
    if (connections == NULL || eio == NULL) return;
    assert(connections->n_paths < PATHS_MAX);
    connections->paths[connections->n_paths++] = eio;
}

void connections_stop(struct connections *connections)
{
    struct asking *asking, *next;

    if (connections == NULL) return;
    DL_FOREACH_SAFE(connections->askings, asking, next) end_asking(asking);
    connections->n_paths = 0;
}

static void destroy_connections(void *object)
{
    struct connections *connections = object;

    before_sleep_end(&connections->pump);
    mem_free(connections);
}

const struct client_feature connections_feature = { .service_event = on_service_event, .destroy = destroy_connections };
