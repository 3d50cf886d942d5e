/* own.c - subjects with sockets here: what is noted for each, asked for, and told. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/own/own.h"

#include <assert.h>
#include <string.h>

#include <ev.h>
#include <utlist.h>

#include "libshared/base/clock.h"
#include "libshared/base/invariant.h"
#include "libshared/base/log.h"
#include "libshared/base/table.h"
#include "libshared/wire/event_names.h"
#include "libshared/wire/record.h"
#include "services/gateway/features.h"
#include "services/gateway/rooms/rooms.h"

#define PERIOD_S    1.0
#define TURN_S      0.05
#define RETRY_S     0.5
#define ASKING_MAX  16
#define NOTES_MAX   200   /* of a subject: own_rooms_query.rooms; what is more is asked for by time */
#define PLACES_MAX  200   /* proto/chat.def: missed_rooms.places */
#define MARGIN_MS   60000 /* of clocks, and of what was begun before and committed after a moment */
#define ARENA_BYTES (16u << 20)
#define EVENT_BYTES                                                                                                    \
    131072 /* a room, or a message that waits: 10,000 characters, each at most 6 bytes of JSON, its meta, and the rest */

/* What of a room is another: several of them, as bits. */
enum own_kind { OWN_READ = 1, OWN_SAID = 2, OWN_CHANGED = 4, OWN_ADDED = 8, OWN_REMOVED = 16, OWN_UNASKED = 32 };

struct own_note {
    struct id room;
    unsigned of;
};

/* What is on its way; `of` NULL: its subject has no sockets any more. */
struct own_question {
    struct own_stream *home;
    struct own_subject *of;
    int64_t since; /* if it is not answered that is asked for again */
    size_t n;      /* 0: it is about places */
    struct own_note notes[NOTES_MAX];
};

struct own_subject {
    UT_hash_handle hh;
    struct own_stream *home;
    struct own_socket *sockets;
    struct own_subject *prev, *next; /* among those that are due */
    struct own_question *question;
    struct own_note *notes;
    size_t n, cap;
    int64_t noted_at; /* the first of them */
    int64_t since;    /* what became another since then it may not have been told; 0: nothing */
    struct id after;  /* but for rooms up to this one */
    ev_tstamp not_before;
    bool is_due;
    size_t len;
    char text[];
};

/* In each client's memory; of a socket in another namespace without a subject. */
struct own_socket {
    struct client *client;
    struct own_subject *of;
    int64_t missed_since; /* it was slow; 0: it has missed nothing */
    struct own_socket *prev, *next;
};

struct own_stream {
    struct ev_loop *loop;
    const struct service_pipes *chat;
    int64_t away_ms;
    int64_t told_at[PARTS_MAX]; /* up to then each part of chat has told all */
    struct own_subject *subjects, *due;
    size_t asking;
    size_t places, places_max; /* for notes, of all subjects */
    ev_timer turn;
    struct arena *arena;
};

static struct own_socket *socket_of(struct client *client)
{
    return client_slot(client, FEATURE_own);
}

static struct own_subject *find_subject(const struct own_stream *own, struct str text)
{
    struct own_subject *subject;

    HASH_FIND(hh, own->subjects, text.at, text.len, subject);
    return subject;
}

/* --- noting --- */

/* Due is who has something to be asked about, and is not being asked about. */
static void subject_check(const struct own_subject *subject)
{
    bool has_something = subject->n > 0 || subject->since > 0;

    assert(subject->sockets != NULL && subject->n <= subject->cap && subject->cap <= subject->home->places);
    assert(subject->is_due == (has_something && subject->question == NULL));
    assert(subject->question == NULL || subject->question->of == subject);
}

static void make_due(struct own_subject *subject)
{
    struct own_stream *own = subject->home;
    bool is_due = (subject->n > 0 || subject->since > 0) && subject->question == NULL;

    if (is_due && !subject->is_due) {
        subject->is_due = true;
        DL_APPEND(own->due, subject);
        if (!ev_is_active(&own->turn)) ev_timer_again(own->loop, &own->turn);
    }
    CHECK_STEP(subject_check(subject));
}

static void doubt_since(struct own_subject *subject, int64_t since)
{
    if (subject->since == 0 || since < subject->since) subject->since = since;
    subject->after = (struct id){ { 0 } };
    make_due(subject);
}

static struct own_note *find_note(struct own_note *notes, size_t n, struct id room)
{
    for (size_t i = 0; i < n; i++)
        if (id_eq(notes[i].room, room)) return &notes[i];
    return NULL;
}

static bool has_place(const struct own_subject *subject)
{
    return subject->n < subject->cap || subject->home->places < subject->home->places_max;
}

static struct own_note *add_note(struct own_subject *subject, struct id room)
{
    size_t had = subject->cap;

    subject->notes = mem_one_more(subject->notes, subject->n, &subject->cap, sizeof *subject->notes);
    subject->home->places += subject->cap - had;
    if (subject->n == 0) subject->noted_at = clock_ms();
    subject->notes[subject->n] = (struct own_note){ .room = room };
    return &subject->notes[subject->n++];
}

/* False: there is no place for it. */
static bool put_note(struct own_subject *subject, struct id room, enum own_kind kind)
{
    struct own_note *note = find_note(subject->notes, subject->n, room);

    if (note == NULL && !has_place(subject)) return false;
    if (note == NULL) note = add_note(subject, room);
    note->of |= kind;
    return true;
}

static void free_notes(struct own_subject *subject)
{
    subject->home->places -= subject->cap;
    mem_free(subject->notes);
    subject->notes = NULL;
    subject->n = subject->cap = 0;
}

static void note_change(struct own_subject *subject, struct id room, enum own_kind kind)
{
    bool is_full = subject->n >= NOTES_MAX && find_note(subject->notes, subject->n, room) == NULL;

    if (is_full || !put_note(subject, room, kind))
        doubt_since(subject, (subject->n > 0 ? subject->noted_at : clock_ms()) - MARGIN_MS);
    else
        make_due(subject);
}

/* --- telling --- */

static bool may_hear(const struct client *client, struct id room)
{
    char text[ID_TEXT_BYTES + 1];

    id_format(room, text);
    return client_may(client, STR("room:join"), str_of(text), POLICY_SUBSCRIBE);
}

static struct eio_packet *make_packet(const char *event, const struct wire_shape *shape, const void *rec)
{
    struct buf json = BUF(EVENT_BYTES);
    enum err e = wire_write_json(shape, rec, &json);

    assert(e == OK && !json.over);
    struct eio_packet *packet = sio_packet_event(rooms_namespace(), event, buf_str(&json));
    buf_free(&json);
    return packet;
}

static bool has_joined(const struct own_socket *socket, struct id room)
{
    const struct subscriber *subscriber = client_subscriber(socket->client);

    return subscriber != NULL && subscriber_is_in(subscriber, room);
}

static void tell_socket(struct own_socket *socket, struct eio_packet *packet)
{
    if (!sio_is_slow(socket->client->socket))
        sio_send(socket->client->socket, packet);
    else if (socket->missed_since == 0)
        socket->missed_since = clock_ms() - MARGIN_MS;
}

/* Who joined the room hears of its end with that: rooms.c. */
static void tell_end(struct own_subject *subject, struct id room)
{
    const struct access_change end = { .room = room, .subject = { subject->text, subject->len } };
    struct eio_packet *packet = make_packet("room:removed", access_change_shape(), &end);
    struct own_socket *socket;

    DL_FOREACH(subject->sockets, socket)
        if (may_hear(socket->client, room) && !has_joined(socket, room)) tell_socket(socket, packet);
    eio_packet_drop(packet);
}

static void tell_room(struct own_subject *subject, const struct room *room, unsigned of)
{
    const struct read_state state = { room->id, room->read, room->unread, room->marked_at, room->mentions };
    bool is_new = of & (OWN_ADDED | OWN_REMOVED);
    struct eio_packet *is = make_packet(is_new ? "room:added" : "room:changed", room_shape(), room);
    struct eio_packet *read = make_packet("read:changed", read_state_shape(), &state);
    struct own_socket *socket;

    DL_FOREACH(subject->sockets, socket) {
        if (!may_hear(socket->client, room->id)) continue;
        if (is_new || of & OWN_CHANGED || (of & OWN_SAID && !has_joined(socket, room->id)))
            tell_socket(socket, is);
        else if (of & OWN_READ)
            tell_socket(socket, read);
    }
    eio_packet_drop(is);
    eio_packet_drop(read);
}

/* A room that is not answered is no more one of theirs, or they do not see it: only of one that was said to have ended they are told. */
static void tell_rooms(struct own_subject *subject, const struct own_question *question, const struct own_rooms *found)
{
    const struct room_list *rooms = &found->rooms;
    size_t k = 0;

    for (size_t i = 0; i < question->n; i++) {
        const struct own_note *note = &question->notes[i];
        for (k = 0; k < rooms->len && !id_eq(rooms->at[k].id, note->room);) k++;
        if (k < rooms->len)
            tell_room(subject, &rooms->at[k], note->of);
        else if (note->of & (OWN_REMOVED | OWN_UNASKED) && !ids_have(found->asked, note->room))
            tell_end(subject, note->room);
    }
}

/* --- asking --- */

static bool kind_of(struct str name, enum own_kind *out)
{
    static const struct {
        const char *name;
        enum own_kind kind;
    } kinds[] = { { "read", OWN_READ }, { "said", OWN_SAID }, { "changed", OWN_CHANGED }, { "added", OWN_ADDED },
        { "removed", OWN_REMOVED }, { "unasked", OWN_UNASKED } };

    for (size_t i = 0; i < COUNT(kinds); i++)
        if (str_is(name, kinds[i].name)) {
            *out = kinds[i].kind;
            return true;
        }
    return false;
}

/* What was not answered is asked for by time. */
static void end_question(struct own_subject *subject, struct own_question *question, enum err e)
{
    subject->question = NULL;
    if (e == OK) {
        make_due(subject);
        return;
    }
    subject->not_before = ev_now(subject->home->loop) + RETRY_S;
    doubt_since(subject, question->since);
}

static void on_rooms(void *arg, enum err e, struct str body)
{
    struct own_question *question = arg;
    struct own_stream *own = question->home;
    struct own_subject *subject = question->of;
    struct own_rooms found = { { NULL, 0 }, { NULL, 0 } };
    struct wire_error why;

    own->asking--;
    if (subject != NULL) {
        if (e == OK) e = wire_decode(own_rooms_shape(), body, own->arena, &found, &why);
        if (e == OK) tell_rooms(subject, question, &found);
        end_question(subject, question, e);
    }
    arena_reset(own->arena);
    mem_free(question);
}

static void note_places(
    struct own_subject *subject, const struct own_question *question, struct missed_room_list places)
{
    enum own_kind kind;

    for (size_t i = 0; i < places.len; i++)
        if (kind_of(places.at[i].what, &kind) && !put_note(subject, places.at[i].room, kind)) {
            subject->not_before = ev_now(subject->home->loop) + RETRY_S;
            doubt_since(subject, question->since);
            return;
        }
    if (places.len < PLACES_MAX) return;
    bool is_doubted = subject->since > 0;
    struct id after = places.at[places.len - 1].room;
    if (!is_doubted || question->since < subject->since) subject->since = question->since;
    subject->after = is_doubted ? (struct id){ { 0 } } : after;
}

static void on_places(void *arg, enum err e, struct str body)
{
    struct own_question *question = arg;
    struct own_stream *own = question->home;
    struct own_subject *subject = question->of;
    struct missed_rooms found = { { NULL, 0 } };
    struct wire_error why;

    own->asking--;
    if (subject != NULL) {
        if (e == OK) e = wire_decode(missed_rooms_shape(), body, own->arena, &found, &why);
        if (e == OK) note_places(subject, question, found.places);
        end_question(subject, question, e);
    }
    arena_reset(own->arena);
    mem_free(question);
}

static void ask_for_places(struct own_subject *subject, struct own_question *question)
{
    const struct own_since_query query = { subject->since, subject->after };

    question->since = subject->since;
    subject->since = 0;
    method_ask_for(subject->home->chat, M_chat_own_since, (struct str){ subject->text, subject->len }, &query,
        on_places, question);
}

static void ask_for_rooms(struct own_subject *subject, struct own_question *question)
{
    size_t n = subject->n < NOTES_MAX ? subject->n : NOTES_MAX;
    struct id rooms[NOTES_MAX];

    memcpy(question->notes, subject->notes, n * sizeof *question->notes);
    question->n = n;
    question->since = subject->noted_at - MARGIN_MS;
    subject->n -= n;
    memmove(subject->notes, subject->notes + n, subject->n * sizeof *subject->notes);
    if (subject->n == 0) free_notes(subject);
    for (size_t i = 0; i < n; i++) rooms[i] = question->notes[i].room;
    const struct own_rooms_query query = { { rooms, n } };
    subject->not_before = ev_now(subject->home->loop) + PERIOD_S;
    method_ask_for(
        subject->home->chat, M_chat_own_rooms, (struct str){ subject->text, subject->len }, &query, on_rooms, question);
}

/* Without a place for what would be answered, what is noted makes room first. */
static void ask_chat(struct own_subject *subject)
{
    struct own_stream *own = subject->home;
    struct own_question *question = mem_zero(sizeof *question);

    DL_DELETE(own->due, subject);
    subject->is_due = false;
    question->home = own;
    question->of = subject;
    subject->question = question;
    own->asking++;
    if (subject->since > 0 && subject->n < NOTES_MAX && (subject->n == 0 || has_place(subject)))
        ask_for_places(subject, question);
    else
        ask_for_rooms(subject, question);
}

static void take_turn(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct own_stream *own = timer->data;
    struct own_subject *subject, *next;

    (void)events;
    DL_FOREACH_SAFE(own->due, subject, next) {
        if (own->asking >= ASKING_MAX) break;
        if (subject->not_before <= ev_now(loop)) ask_chat(subject);
    }
    if (own->due == NULL) ev_timer_stop(loop, timer);
}

/* --- what the store says --- */

static void tell_all(struct own_subject *subject, struct id room, struct eio_packet *packet)
{
    struct own_socket *socket;

    DL_FOREACH(subject->sockets, socket)
        if (may_hear(socket->client, room) && !sio_is_slow(socket->client->socket))
            sio_send(socket->client->socket, packet);
    eio_packet_drop(packet);
}

/* It is told at once, and with all that there is to say: whoever was away asks for the list. */
static void take_scheduled(struct own_stream *own, struct str body)
{
    struct scheduled_news news = { .message = NULL };
    struct own_subject *subject;
    struct wire_error why;

    if (wire_decode(scheduled_news_shape(), body, own->arena, &news, &why) != OK) {
        LOG(ERROR, "gateway.bad_event", F_TEXT("name", "scheduled.changed"), F_TEXT("why", why.text));
        return;
    }
    if ((subject = find_subject(own, news.subject)) == NULL) return;
    if (news.message != NULL)
        tell_all(
            subject, news.message->room, make_packet("scheduled:changed", scheduled_message_shape(), news.message));
    if (news.end != NULL)
        tell_all(subject, news.end->room, make_packet("scheduled:removed", scheduled_end_shape(), news.end));
}

static void take_draft(struct own_stream *own, struct str body)
{
    struct draft_news news = { .draft = NULL };
    struct own_subject *subject;
    struct wire_error why;

    if (wire_decode(draft_news_shape(), body, own->arena, &news, &why) != OK) {
        LOG(ERROR, "gateway.bad_event", F_TEXT("name", "draft.changed"), F_TEXT("why", why.text));
        return;
    }
    if ((subject = find_subject(own, news.subject)) == NULL) return;
    if (news.draft != NULL)
        tell_all(subject, news.draft->room, make_packet("draft:changed", draft_shape(), news.draft));
    if (news.end != NULL) tell_all(subject, news.end->room, make_packet("draft:cleared", draft_end_shape(), news.end));
}

/* --- what chat says --- */

/* What was noted is none any more. */
static void rest_if_nothing(struct own_subject *subject)
{
    if (!subject->is_due || subject->n > 0 || subject->since > 0) return;
    subject->is_due = false;
    DL_DELETE(subject->home->due, subject);
}

/* What was asked before it ended and is answered afterwards is not told. */
static void end_room(struct own_subject *subject, struct id room)
{
    struct own_note *note = find_note(subject->notes, subject->n, room);
    struct own_question *question = subject->question;

    if (note != NULL) *note = subject->notes[--subject->n];
    if (subject->n == 0) free_notes(subject);
    rest_if_nothing(subject);
    if (question != NULL && (note = find_note(question->notes, question->n, room)) != NULL)
        *note = question->notes[--question->n];
    tell_end(subject, room);
}

/* What is said to sockets that have all joined the room they hear as messages. */
static bool is_news(const struct own_subject *subject, struct id room, enum own_kind kind)
{
    const struct own_socket *socket = subject->sockets;

    while (kind == OWN_SAID && socket != NULL && has_joined(socket, room)) socket = socket->next;
    return socket != NULL;
}

static void take_news(struct own_stream *own, size_t part, struct str body)
{
    struct own_news news = { .at = 0 };
    struct wire_error why;
    enum own_kind kind;

    if (wire_decode(own_news_shape(), body, own->arena, &news, &why) != OK || !kind_of(news.what, &kind)) {
        LOG(ERROR, "gateway.bad_event", F_TEXT("name", "own.changed"), F_TEXT("why", why.text));
        return;
    }
    own->told_at[part] = news.at;
    for (size_t i = 0; i < news.subjects.len; i++) {
        struct own_subject *subject = find_subject(own, news.subjects.at[i]);
        if (subject == NULL) continue;
        if (kind == OWN_REMOVED)
            end_room(subject, news.room);
        else if (is_news(subject, news.room, kind))
            note_change(subject, news.room, kind);
    }
}

static void doubt_all(struct own_stream *own, size_t part)
{
    struct own_subject *subject, *next;

    HASH_ITER(hh, own->subjects, subject, next) doubt_since(subject, own->told_at[part] - MARGIN_MS);
}

static bool on_service_event(void *object, struct service_part part, const struct frame_event *head, struct str body)
{
    struct own_stream *own = object;
    bool is_own = part.service == SERVICE_chat && str_is(head->name, "own.changed");
    bool is_scheduled = part.service == SERVICE_store && str_is(head->name, "scheduled.changed");
    bool is_draft = part.service == SERVICE_store && str_is(head->name, "draft.changed");

    if (is_own) take_news(own, part.index, body);
    if (is_scheduled) take_scheduled(own, body);
    if (is_draft) take_draft(own, body);
    if (part.service == SERVICE_chat && str_is(head->name, "resync"))
        doubt_all(own, part.index); /* others hear it, too */
    arena_reset(own->arena);
    return is_own || is_scheduled || is_draft;
}

static void on_service_up(void *object, struct service_part part)
{
    if (part.service == SERVICE_chat) doubt_all(object, part.index);
}

/* --- sockets --- */

static struct own_subject *get_subject(struct own_stream *own, struct str text)
{
    struct own_subject *subject = find_subject(own, text);

    if (subject != NULL) return subject;
    subject = mem_zero(sizeof *subject + text.len);
    subject->home = own;
    subject->len = text.len;
    memcpy(subject->text, text.at, text.len);
    HASH_ADD_KEYPTR(hh, own->subjects, subject->text, subject->len, subject);
    return subject;
}

static void begin_telling(void *object, struct client *client, const struct arrival *arrival)
{
    struct str subject = bearer_subject(client->rights.bearer);
    struct own_socket *socket = socket_of(client);

    (void)arrival;
    if (subject.len == 0 || !str_eq(sio_nsp(client->socket), rooms_namespace())) return;
    *socket = (struct own_socket){ .client = client, .of = get_subject(object, subject) };
    DL_APPEND(socket->of->sockets, socket);
}

/* What it was not told while it was away. */
static void restore_telling(void *object, struct client *client, const struct record *record)
{
    struct own_stream *own = object;
    struct own_socket *socket = socket_of(client);

    (void)record;
    if (socket->of != NULL) doubt_since(socket->of, clock_ms() - own->away_ms - MARGIN_MS);
}

static void note_drained(void *object, struct client *client)
{
    struct own_socket *socket = socket_of(client);

    (void)object;
    if (socket->of == NULL || socket->missed_since == 0) return;
    doubt_since(socket->of, socket->missed_since);
    socket->missed_since = 0;
}

static void end_telling(void *object, struct client *client, const char *reason)
{
    struct own_stream *own = object;
    struct own_socket *socket = socket_of(client);
    struct own_subject *subject = socket->of;

    (void)reason;
    if (subject == NULL) return;
    DL_DELETE(subject->sockets, socket);
    socket->of = NULL;
    if (subject->sockets != NULL) return;
    if (subject->is_due) DL_DELETE(own->due, subject);
    if (subject->question != NULL) subject->question->of = NULL;
    HASH_DEL(own->subjects, subject);
    free_notes(subject);
    mem_free(subject);
}

/* --- its life --- */

struct own_stream *own_create(
    struct ev_loop *loop, const struct service_pipes *chat, int64_t away_ms, size_t places_max)
{
    struct own_stream *own = mem_zero(sizeof *own);

    own->loop = loop;
    own->chat = chat;
    own->away_ms = away_ms;
    own->places_max = places_max;
    for (size_t i = 0; i < COUNT(own->told_at); i++) own->told_at[i] = clock_ms();
    /* bound: 200 rooms, or the names of 1,000 subjects */
    own->arena = arena_create("own", ARENA_BYTES);
    ev_timer_init(&own->turn, take_turn, TURN_S, TURN_S);
    own->turn.data = own;
    return own;
}

static void stop_telling(void *object)
{
    struct own_stream *own = object;

    ev_timer_stop(own->loop, &own->turn);
}

static void destroy_own(void *object)
{
    struct own_stream *own = object;

    assert(own->subjects == NULL && own->asking == 0 && own->places == 0);
    ev_timer_stop(own->loop, &own->turn);
    arena_destroy(&own->arena);
    mem_free(own);
}

const struct client_feature own_feature = { .slot_bytes = sizeof(struct own_socket),
    .open = begin_telling,
    .restore = restore_telling,
    .drained = note_drained,
    .closed = end_telling,
    .service_up = on_service_up,
    .service_event = on_service_event,
    .stop = stop_telling,
    .destroy = destroy_own };
