/* notifications.c - subjects with sockets in /notification: what is asked for each, and told.  See notifications.h. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/notifications/notifications.h"

#include <assert.h>
#include <string.h>

#include <ev.h>
#include <utlist.h>

#include "libshared/base/clock.h"
#include "libshared/base/invariant.h"
#include "libshared/base/log.h"
#include "libshared/base/table.h"
#include "services/gateway/features.h"

#define NAMESPACE   "/notification"
#define TURN_S      0.05
#define RETRY_S     0.5
#define ASKING_MAX  16
#define MARGIN_MS   60000 /* of clocks, and of what was begun before and committed after a moment */
#define ARENA_BYTES (4u << 20)
#define EVENT_BYTES                                                                                                    \
    8192 /* a notification: three texts of 128 characters at most, each at most 6 bytes of JSON, and the rest */

struct told_question {
    struct notifications *home;
    struct told_subject *of; /* NULL: it has no sockets any more */
    int64_t since;
    bool is_doubt; /* not for a version of which chat spoke */
};

struct told_subject {
    UT_hash_handle hh;
    struct notifications *home;
    struct told_socket *sockets;
    struct told_subject *prev, *next; /* among those that are due */
    struct told_question *question;
    int64_t begin;   /* told is all that is behind this version; -1: nothing is known */
    int64_t version; /* and up to this one */
    int64_t newest;  /* that chat has spoken of */
    int64_t came_at; /* its first socket */
    ev_tstamp not_before;
    bool is_doubted; /* chat may have spoken of more */
    bool is_due;
    size_t len;
    char text[];
};

/* In each client's memory; of a socket in another namespace without a subject. */
struct told_socket {
    struct client *client;
    struct told_subject *of;
    int64_t missed; /* it was slow, and told all up to this version; -1: it has missed nothing */
    struct told_socket *prev, *next;
};

struct notifications {
    struct ev_loop *loop;
    const struct service_pipes *chat;
    struct told_subject *subjects, *due;
    size_t asking;
    ev_timer turn;
    struct arena *arena;
};

static struct told_socket *socket_of(struct client *client)
{
    return client_slot(client, FEATURE_notifications);
}

static struct told_subject *find_subject(const struct notifications *notifications, struct str text)
{
    struct told_subject *subject;

    HASH_FIND(hh, notifications->subjects, text.at, text.len, subject);
    return subject;
}

static bool lacks_something(const struct told_subject *subject)
{
    return subject->is_doubted || subject->newest > subject->version;
}

static void subject_check(const struct told_subject *subject)
{
    assert(subject->sockets != NULL && subject->begin <= subject->version);
    assert(subject->is_due == (lacks_something(subject) && subject->question == NULL));
    assert(subject->question == NULL || subject->question->of == subject);
}

static void make_due(struct told_subject *subject)
{
    struct notifications *home = subject->home;

    if (!subject->is_due && subject->question == NULL && lacks_something(subject)) {
        subject->is_due = true;
        DL_APPEND(home->due, subject);
        if (!ev_is_active(&home->turn)) ev_timer_again(home->loop, &home->turn);
    }
    CHECK_STEP(subject_check(subject));
}

static void note_version(struct told_subject *subject, int64_t version)
{
    if (subject->begin < 0 || version <= subject->begin) subject->begin = subject->version = version - 1;
    if (version > subject->newest) subject->newest = version;
    make_due(subject);
}

/* --- telling --- */

static bool may_hear(const struct client *client, struct id room)
{
    char text[ID_TEXT_BYTES + 1];

    id_format(room, text);
    return client_may(client, STR("notification"), id_is_nil(room) ? STR_NONE : str_of(text), POLICY_SUBSCRIBE);
}

enum taking { BY_NOBODY, LATER_ON, TAKEN };

static enum taking tell_socket(struct told_socket *socket, const struct notification *is, struct eio_packet *packet)
{
    if (!may_hear(socket->client, is->room)) return BY_NOBODY;
    if (sio_is_slow(socket->client->socket)) {
        if (socket->missed < 0) socket->missed = is->version - 1;
        return LATER_ON;
    }
    sio_send(socket->client->socket, packet);
    return TAKEN;
}

/* TAKEN: by one socket at least. */
static enum taking tell_one(struct told_subject *subject, const struct notification *is)
{
    bool is_new = is->version == is->place && !is->gone && is->read_at == 0;
    struct buf json = BUF(EVENT_BYTES);
    struct told_socket *socket;
    enum taking best = BY_NOBODY;
    enum err e = wire_write_json(notification_shape(), is, &json);

    assert(e == OK && !json.over);
    struct eio_packet *packet =
        sio_packet_event(STR(NAMESPACE), is_new ? "notification" : "notification:changed", buf_str(&json));
    DL_FOREACH(subject->sockets, socket) {
        enum taking taking = tell_socket(socket, is, packet);
        if (taking > best) best = taking;
    }
    eio_packet_drop(packet);
    buf_free(&json);
    return best;
}

static void on_heard(void *arg, enum err e, struct str body)
{
    (void)arg, (void)e, (void)body;
}

/* Of a socket that was slow it may have gone back meanwhile: then it is asked for once more. */
static void move_on(
    struct told_subject *subject, const struct told_question *question, const struct notification_page *page)
{
    if (subject->begin < 0) subject->begin = subject->version = page->version;
    if (page->version > subject->version && subject->version >= question->since) subject->version = page->version;
    if (page->version > subject->newest) subject->newest = page->version;
    subject->is_doubted |= page->more;
}

/* Heard is up to where a socket has taken all that one may hear: what all were too slow for comes again. */
static void tell_page(struct told_subject *subject, struct notification_page *page)
{
    const struct notification_list *list = &page->notifications;
    struct notification_place heard = { 0 };
    bool is_whole = true;

    for (size_t i = 0; i < list->len; i++) {
        list->at[i].unread = page->unread;
        enum taking taking = tell_one(subject, &list->at[i]);
        if (taking == LATER_ON) is_whole = false;
        if (taking == TAKEN && is_whole) heard.version = list->at[i].version;
    }
    if (heard.version == 0) return;
    method_ask_for(subject->home->chat, M_chat_notification_heard, (struct str){ subject->text, subject->len }, &heard,
        on_heard, NULL);
}

/* --- asking --- */

static void on_page(void *arg, enum err e, struct str body)
{
    struct told_question *question = arg;
    struct notifications *home = question->home;
    struct told_subject *subject = question->of;
    struct notification_page page = { .meta = NULL };
    struct wire_error why;

    home->asking--;
    if (subject != NULL) {
        subject->question = NULL;
        if (e == OK) e = wire_decode(notification_page_shape(), body, home->arena, &page, &why);
        if (e == OK) {
            tell_page(subject, &page);
            move_on(subject, question, &page);
        } else {
            subject->is_doubted |= question->is_doubt;
            subject->not_before = ev_now(home->loop) + RETRY_S;
        }
        make_due(subject);
    }
    arena_reset(home->arena);
    mem_free(question);
}

static void ask_chat(struct told_subject *subject)
{
    struct notifications *home = subject->home;
    struct told_question *question = mem_zero(sizeof *question);
    const struct notification_missed missed = { .since = subject->begin < 0 ? -1 : subject->version,
        .from = subject->begin < 0 ? subject->came_at - MARGIN_MS : 0 };

    DL_DELETE(home->due, subject);
    subject->is_due = false;
    *question = (struct told_question){ home, subject, missed.since, subject->is_doubted };
    subject->is_doubted = false;
    subject->question = question;
    home->asking++;
    method_ask_for(home->chat, M_chat_notification_changes, (struct str){ subject->text, subject->len }, &missed,
        on_page, question);
}

static void take_turn(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct notifications *home = timer->data;
    struct told_subject *subject, *next;

    (void)events;
    DL_FOREACH_SAFE(home->due, subject, next) {
        if (home->asking >= ASKING_MAX) break;
        if (subject->not_before <= ev_now(loop)) ask_chat(subject);
    }
    if (home->due == NULL) ev_timer_stop(loop, timer);
}

/* --- what chat says --- */

static void take_news(struct notifications *home, struct str body)
{
    struct notification_news news = { { NULL, 0 } };
    struct wire_error why;

    if (wire_decode(notification_news_shape(), body, home->arena, &news, &why) != OK) {
        LOG(ERROR, "gateway.bad_event", F_TEXT("name", "notification.changed"), F_TEXT("why", why.text));
        return;
    }
    for (size_t i = 0; i < news.marks.len; i++) {
        struct told_subject *subject = find_subject(home, news.marks.at[i].subject);
        if (subject != NULL) note_version(subject, news.marks.at[i].version);
    }
}

static void doubt_all(struct notifications *home)
{
    struct told_subject *subject, *next;

    HASH_ITER(hh, home->subjects, subject, next) {
        subject->is_doubted = true;
        make_due(subject);
    }
}

static bool on_service_event(void *object, struct service_part part, const struct frame_event *head, struct str body)
{
    struct notifications *home = object;
    bool is_mine = part.service == SERVICE_chat && str_is(head->name, "notification.changed");

    if (is_mine) take_news(home, body);
    if (part.service == SERVICE_chat && str_is(head->name, "resync")) doubt_all(home); /* others hear it, too */
    arena_reset(home->arena);
    return is_mine;
}

static void on_service_up(void *object, struct service_part part)
{
    if (part.service == SERVICE_chat) doubt_all(object);
}

/* --- sockets --- */

static struct told_subject *get_subject(struct notifications *home, struct str text)
{
    struct told_subject *subject = find_subject(home, text);

    if (subject != NULL) return subject;
    subject = mem_zero(sizeof *subject + text.len);
    subject->home = home;
    subject->begin = subject->version = -1;
    subject->newest = -1;
    subject->came_at = clock_ms();
    subject->len = text.len;
    memcpy(subject->text, text.at, text.len);
    HASH_ADD_KEYPTR(hh, home->subjects, subject->text, subject->len, subject);
    return subject;
}

static void begin_telling(void *object, struct client *client, const struct arrival *arrival)
{
    struct str subject = bearer_subject(client->rights.bearer);
    struct told_socket *socket = socket_of(client);

    (void)arrival;
    if (subject.len == 0 || !str_is(sio_nsp(client->socket), NAMESPACE)) return;
    *socket = (struct told_socket){ .client = client, .of = get_subject(object, subject), .missed = -1 };
    DL_APPEND(socket->of->sockets, socket);
}

static void note_drained(void *object, struct client *client)
{
    struct told_socket *socket = socket_of(client);
    struct told_subject *subject = socket->of;

    (void)object;
    if (subject == NULL || socket->missed < 0) return;
    if (socket->missed < subject->version) subject->version = socket->missed;
    if (socket->missed < subject->begin) subject->begin = socket->missed;
    socket->missed = -1;
    make_due(subject);
}

static void end_telling(void *object, struct client *client, const char *reason)
{
    struct notifications *home = object;
    struct told_socket *socket = socket_of(client);
    struct told_subject *subject = socket->of;

    (void)reason;
    if (subject == NULL) return;
    DL_DELETE(subject->sockets, socket);
    socket->of = NULL;
    if (subject->sockets != NULL) return;
    if (subject->is_due) DL_DELETE(home->due, subject);
    if (subject->question != NULL) subject->question->of = NULL;
    HASH_DEL(home->subjects, subject);
    mem_free(subject);
}

/* --- its life --- */

struct notifications *notifications_create(struct ev_loop *loop, const struct service_pipes *chat)
{
    struct notifications *home = mem_zero(sizeof *home);

    home->loop = loop;
    home->chat = chat;
    /* bound: a page of 100, and who they are by */
    home->arena = arena_create("notifications", ARENA_BYTES);
    ev_timer_init(&home->turn, take_turn, TURN_S, TURN_S);
    home->turn.data = home;
    return home;
}

static void stop_telling(void *object)
{
    struct notifications *home = object;

    ev_timer_stop(home->loop, &home->turn);
}

static void destroy_notifications(void *object)
{
    struct notifications *home = object;

    assert(home->subjects == NULL && home->asking == 0);
    ev_timer_stop(home->loop, &home->turn);
    arena_destroy(&home->arena);
    mem_free(home);
}

const struct client_feature notifications_feature = { .slot_bytes = sizeof(struct told_socket),
    .open = begin_telling,
    .drained = note_drained,
    .closed = end_telling,
    .service_up = on_service_up,
    .service_event = on_service_event,
    .stop = stop_telling,
    .destroy = destroy_notifications };
