/* presence.c - sockets that watch rooms: what each is told, and when. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/presence/presence.h"

#include <assert.h>
#include <string.h>

#include "libshared/base/invariant.h"
#include "libshared/wire/event_names.h"
#include "services/gateway/presence/presence_private.h"
#include "services/gateway/rooms/rooms.h"

#define TURN_S       0.25
#define FIRST_S      1.0 /* behind the first change: others may come with it */
#define GAP_S        2.0 /* between two events */
#define CROWD        10  /* so many changes in one of them, and the next one is four times as late */
#define GAP_MAX_S    32.0
#define WATCHES_MAX  50 /* of a socket; proto/chat.def: presence_change.rooms */
#define WATCH_BYTES  (sizeof(struct room_watch) + 64)
#define EVENT_PEOPLE 1000       /* in one event; with the whole of the room that they are in */
#define EVENT_BYTES  (2u << 20) /* 1,200 people: subjects and texts, each character as up to 12 bytes of JSON */
#define ARENA_BYTES  (16u << 20)

static struct present_socket *socket_of(struct client *client)
{
    return client_slot(client, FEATURE_presence);
}

void presence_wake(struct gateway_presence *presence)
{
    if (!ev_is_active(&presence->turn)) ev_timer_again(presence->loop, &presence->turn);
}

/* --- what there is to tell of one room --- */

static bool is_hidden_from(const struct known_person *person, struct str subject)
{
    for (size_t i = 0; i < person->hidden_from.len; i++)
        if (str_eq(person->hidden_from.at[i], subject)) return true;
    return false;
}

static void add_person(struct presence_room *out, const struct known_person *person, bool is_there)
{
    out->people.at[out->people.len++] = (struct present){ .subject = { person->subject, person->len },
        .state = is_there ? str_of(person->state) : STR("offline"),
        .text = is_there ? person->text : STR_NONE };
}

/* Of who is hidden nothing is told but that they went, when it began. */
static void tell_member(
    const struct room_watch *watch, const struct watched_member *member, struct str viewer, struct presence_room *out)
{
    const struct known_person *person = member->person;
    bool is_hidden = is_hidden_from(person, viewer), is_there = person->is_there && !is_hidden;
    bool is_another = (is_hidden ? person->hidden_at : person->changed) > watch->told;

    out->online += is_there;
    if (watch->is_begun ? is_another || (is_there && member->since > watch->told) : is_there)
        add_person(out, person, is_there);
}

static void tell_room(const struct room_watch *watch, struct str viewer, struct arena *arena, struct presence_room *out)
{
    const struct watched_room *room = watch->room;

    *out = (struct presence_room){ .room = room->id, .whole = !watch->is_begun };
    if (room->is_large) {
        out->online = room->online;
        return;
    }
    out->people.at = arena_alloc(arena, (room->n + 1) * sizeof *out->people.at);
    for (size_t i = 0; i < room->n; i++) tell_member(watch, &room->members[i], viewer, out);
}

static bool is_due(const struct room_watch *watch)
{
    return watch->room->is_known && (!watch->is_begun || watch->told < watch->room->changed);
}

static bool is_news(const struct room_watch *watch, const struct presence_room *out)
{
    return !watch->is_begun || out->people.len > 0 || out->online != watch->online;
}

static void note_told(struct room_watch *watch, int64_t online)
{
    watch->is_begun = true;
    watch->told = watch->room->changed;
    watch->online = online;
}

static size_t weight_of(const struct room_watch *watch, const struct presence_room *out)
{
    return watch->room->is_large ? CROWD : out->people.len;
}

/* --- one event --- */

static struct eio_packet *make_packet(const struct presence_change *change)
{
    struct buf json = BUF(EVENT_BYTES);
    enum err e = wire_write_json(presence_change_shape(), change, &json);

    assert(e == OK && !json.over);
    struct eio_packet *packet = sio_packet_event(rooms_namespace(), "presence", buf_str(&json));
    buf_free(&json);
    return packet;
}

static bool hides_anybody(const struct watched_room *room)
{
    for (size_t i = 0; i < room->n; i++)
        if (room->members[i].person->hidden_from.len > 0) return true;
    return false;
}

static void keep_packet(
    struct room_watch *watch, struct eio_packet *packet, size_t weight, const struct presence_room *out)
{
    struct made_packet *made = &watch->room->made;

    if (made->packet != NULL) eio_packet_drop(made->packet);
    *made = (struct made_packet){ eio_packet_take(packet), !watch->is_begun, watch->told, weight, out->online };
}

/* Where nobody is hidden from anybody, it is the same for all who were told as much. */
static bool send_made(struct present_socket *socket, struct room_watch *watch, size_t *weight)
{
    const struct made_packet *made = &watch->room->made;

    if (made->packet == NULL || made->is_whole != !watch->is_begun || made->told != watch->told) return false;
    sio_send(socket->client->socket, made->packet);
    *weight = made->is_whole ? 0 : made->weight;
    note_told(watch, made->online);
    return true;
}

/* The first tells how it is, and is no sign of a crowd. */
static void set_gap(struct present_socket *socket, size_t weight)
{
    ev_tstamp gap = weight < CROWD ? GAP_S : 4 * (socket->gap > GAP_S ? socket->gap : GAP_S);

    socket->gap = gap > GAP_MAX_S ? GAP_MAX_S : gap;
    socket->next = ev_now(socket->home->loop) + socket->gap;
}

/* What does not fit into it is due still. */
static size_t collect_rooms(struct present_socket *socket, struct presence_change *out, struct room_watch **told)
{
    struct arena *arena = socket->home->arena;
    size_t weight = 0, people = 0;
    struct room_watch *watch;

    out->rooms.at = arena_alloc(arena, WATCHES_MAX * sizeof *out->rooms.at);
    DL_FOREACH2(socket->watches, watch, socket_next) {
        struct presence_room *room = &out->rooms.at[out->rooms.len];
        if (!is_due(watch)) continue;
        if (people >= EVENT_PEOPLE) break;
        tell_room(watch, socket->subject, arena, room);
        if (is_news(watch, room)) {
            if (watch->is_begun) weight += weight_of(watch, room);
            people += room->people.len;
            told[out->rooms.len++] = watch;
        } else {
            note_told(watch, room->online);
        }
    }
    return weight;
}

static void send_rooms(
    struct present_socket *socket, const struct presence_change *change, size_t weight, struct room_watch *const *told)
{
    struct eio_packet *packet = make_packet(change);
    const struct presence_room *rooms = change->rooms.at;

    sio_send(socket->client->socket, packet);
    if (change->rooms.len == 1 && !hides_anybody(told[0]->room)) keep_packet(told[0], packet, weight, &rooms[0]);
    for (size_t i = 0; i < change->rooms.len; i++) note_told(told[i], rooms[i].online);
    eio_packet_drop(packet);
}

static void tell_socket(struct present_socket *socket)
{
    struct presence_change change = { { NULL, 0 } };
    struct room_watch *told[WATCHES_MAX];
    size_t weight = 0;

    if (socket->n != 1 || !is_due(socket->watches) || !send_made(socket, socket->watches, &weight)) {
        weight = collect_rooms(socket, &change, told);
        if (change.rooms.len > 0) send_rooms(socket, &change, weight, told);
        arena_reset(socket->home->arena);
        if (change.rooms.len == 0) return;
    }
    set_gap(socket, weight);
}

/* --- when --- */

static bool has_due_watch(const struct present_socket *socket)
{
    const struct room_watch *watch;

    DL_FOREACH2(socket->watches, watch, socket_next)
        if (is_due(watch)) return true;
    return false;
}

/* Who was quiet for a while is told soon again. */
static void make_due(struct present_socket *socket, double after_s)
{
    struct gateway_presence *presence = socket->home;
    ev_tstamp now = ev_now(presence->loop);

    if (socket->next + socket->gap < now) socket->gap = 0;
    if (socket->next < now + after_s && !socket->is_due) socket->next = now + after_s;
    if (socket->is_due) return;
    socket->is_due = true;
    DL_APPEND2(presence->due, socket, prev, next_due);
    presence_wake(presence);
}

static void leave_due(struct present_socket *socket)
{
    if (!socket->is_due) return;
    socket->is_due = false;
    DL_DELETE2(socket->home->due, socket, prev, next_due);
}

static void spread_touches(struct gateway_presence *presence)
{
    struct watched_room *room, *next;
    struct room_watch *watch;

    DL_FOREACH_SAFE2(presence->touched, room, next, touched_next) {
        DL_DELETE2(presence->touched, room, touched_prev, touched_next);
        room->is_touched = false;
        DL_FOREACH(room->watches, watch) make_due(watch->socket, watch->is_begun ? FIRST_S : 0);
    }
}

static void tell_due(struct gateway_presence *presence)
{
    struct present_socket *socket, *next;

    DL_FOREACH_SAFE2(presence->due, socket, next, next_due) {
        if (socket->next > ev_now(presence->loop) || sio_is_slow(socket->client->socket)) continue;
        tell_socket(socket);
        if (!has_due_watch(socket)) leave_due(socket);
    }
}

static void take_turn(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct gateway_presence *presence = timer->data;

    (void)events;
    bool is_left = here_tell(presence);
    is_left |= watched_ask(presence);
    spread_touches(presence);
    tell_due(presence);
    if (!is_left && presence->due == NULL && presence->changed == NULL) ev_timer_stop(loop, timer);
}

/* --- sockets --- */

static struct room_watch *find_watch(const struct present_socket *socket, struct id room)
{
    struct room_watch *watch;

    DL_FOREACH2(socket->watches, watch, socket_next)
        if (id_eq(watch->room->id, room)) return watch;
    return NULL;
}

static void end_watch(struct room_watch *watch)
{
    struct present_socket *socket = watch->socket;
    struct watched_room *room = watch->room;

    DL_DELETE2(socket->watches, watch, socket_prev, socket_next);
    DL_DELETE(room->watches, watch);
    socket->n--;
    sio_release(socket->client->socket, WATCH_BYTES);
    mem_free(watch);
    watched_drop_if_idle(room);
}

enum err presence_watch(struct client *client, struct id room)
{
    struct present_socket *socket = socket_of(client);

    if (!subscriber_is_in(client_subscriber(client), room)) return ERR_NOT_JOINED;
    struct room_watch *watch = find_watch(socket, room);
    if (watch == NULL) {
        if (socket->n == WATCHES_MAX) return ERR_TOO_LARGE;
        TRY(sio_hold(client->socket, WATCH_BYTES));
        watch = mem_zero(sizeof *watch);
        watch->room = watched_get(socket->home, room);
        watch->socket = socket;
        DL_APPEND2(socket->watches, watch, socket_prev, socket_next);
        DL_APPEND(watch->room->watches, watch);
        socket->n++;
    }
    watch->is_begun = false; /* who asks again wants to know all again */
    watch->told = 0;
    if (watch->room->is_known) make_due(socket, 0);
    return OK;
}

enum err presence_unwatch(struct client *client, struct id room)
{
    struct room_watch *watch = find_watch(socket_of(client), room);

    if (watch == NULL) return ERR_NOT_JOINED;
    end_watch(watch);
    return OK;
}

static void begin_presence(void *object, struct client *client, const struct arrival *arrival)
{
    struct gateway_presence *presence = object;
    struct str subject = bearer_subject(client->rights.bearer);
    struct present_socket *socket = socket_of(client);

    (void)arrival;
    if (subject.len == 0 || !str_eq(sio_nsp(client->socket), rooms_namespace())) return;
    *socket = (struct present_socket){ .home = presence, .client = client };
    here_open(presence, socket, subject);
    socket->subject = (struct str){ socket->of->text, socket->of->len };
}

static void note_left(void *object, struct client *client, struct id room)
{
    struct present_socket *socket = socket_of(client);
    struct room_watch *watch = socket->of == NULL ? NULL : find_watch(socket, room);

    (void)object;
    if (watch != NULL) end_watch(watch);
}

static bool may_watch(const struct client *client, struct id room)
{
    char text[ID_TEXT_BYTES + 1];

    id_format(room, text);
    return client_may(client, STR("presence:watch"), str_of(text), POLICY_SUBSCRIBE);
}

static void review_watches(void *object, struct client *client)
{
    struct present_socket *socket = socket_of(client);
    struct room_watch *watch, *next;

    (void)object;
    if (socket->of == NULL) return;
    DL_FOREACH_SAFE2(socket->watches, watch, next, socket_next)
        if (!may_watch(client, watch->room->id)) end_watch(watch);
}

static void end_presence(void *object, struct client *client, const char *reason)
{
    struct present_socket *socket = socket_of(client);
    struct room_watch *watch, *next;

    (void)reason;
    if (socket->of == NULL) return;
    DL_FOREACH_SAFE2(socket->watches, watch, next, socket_next) end_watch(watch);
    leave_due(socket);
    here_close(object, socket);
}

/* --- what chat says --- */

static bool on_service_event(void *object, struct service_part part, const struct frame_event *head, struct str body)
{
    struct gateway_presence *presence = object;
    bool is_of_chat = part.service == SERVICE_chat;
    bool is_mine = is_of_chat && str_is(head->name, "presence.changed");

    if (is_mine && part.index == 0) watched_take_news(presence, body);
    if (is_of_chat && str_is(head->name, "own.changed")) watched_take_own(presence, body); /* own hears it, too */
    if (is_of_chat && str_is(head->name, "resync")) watched_doubt_all(presence);           /* so do others */
    arena_reset(presence->arena);
    return is_mine;
}

static void on_service_up(void *object, struct service_part part)
{
    struct gateway_presence *presence = object;

    if (part.service != SERVICE_chat) return;
    here_part_up(presence, part.index);
    watched_doubt_all(presence);
    if (part.index == 0) presence->number = 0;
}

/* --- its life --- */

struct gateway_presence *presence_create(struct ev_loop *loop, const struct service_pipes *chat)
{
    struct gateway_presence *presence = mem_zero(sizeof *presence);

    presence->loop = loop;
    presence->chat = chat;
    for (size_t i = 0; i < PARTS_MAX; i++) presence->parts[i] = (struct told_part){ .home = presence, .index = i };
    /* bound: news of 1,000 people, or an answer about 200, with those that they are hidden from; an event */
    presence->arena = arena_create("presence", ARENA_BYTES);
    ev_timer_init(&presence->turn, take_turn, TURN_S, TURN_S);
    presence->turn.data = presence;
    return presence;
}

static void stop_presence(void *object)
{
    struct gateway_presence *presence = object;

    ev_timer_stop(presence->loop, &presence->turn);
}

static void destroy_presence(void *object)
{
    struct gateway_presence *presence = object;

    assert(presence->rooms == NULL && presence->people == NULL && presence->questions == 0);
    ev_timer_stop(presence->loop, &presence->turn);
    here_clear(presence);
    arena_destroy(&presence->arena);
    mem_free(presence);
}

const struct client_feature presence_feature = { .slot_bytes = sizeof(struct present_socket),
    .open = begin_presence,
    .changed = review_watches,
    .left = note_left,
    .closed = end_presence,
    .service_up = on_service_up,
    .service_event = on_service_event,
    .stop = stop_presence,
    .destroy = destroy_presence };
