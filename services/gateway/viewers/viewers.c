/* viewers.c - links that sockets here listen to: how they are by what share said last, and who is told what became of them. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/viewers/viewers.h"

#include <assert.h>
#include <string.h>

#include <ev.h>
#include <utlist.h>

#include "libshared/base/clock.h"
#include "libshared/base/invariant.h"
#include "libshared/base/log.h"
#include "libshared/base/places.h"
#include "libshared/base/table.h"
#include "libshared/wire/json.h"
#include "services/gateway/identity/refusal.h"

#define BEAT_S      0.25
#define ASK_US      INT64_C(30000000) /* at the latest after that share is asked again: events may be lost */
#define RETRY_US    INT64_C(500000)
#define LINKS_MAX   200   /* proto/share.def: share_refs */
#define LATER_MS    60000 /* until a place may be free */
#define ARENA_BYTES (1u << 20)
#define TICKET_MAX  1000 /* proto/share.def: share_listener */
#define CODE_BYTES  16   /* share_ticket */

/* In the list of its link once it is let in. */
struct viewer {
    struct viewers *home;
    struct sio_socket *socket;
    struct watched_link *link;
    struct place place;
    int64_t lock, changed_at, looks_until_us;
    struct viewer *prev, *next;
};

struct watched_link {
    UT_hash_handle hh;
    struct id id, conversation;
    struct viewer *first;
    size_t n;
    char code[CODE_BYTES]; /* of all its viewers: another one is not theirs */
    bool is_due;           /* share is to be asked how it is */
    bool is_told;          /* its viewers are being told, and may leave */
    int64_t due_at_us;     /* it is then, whatever happens */
    size_t owner_len;
    char owner[];
};

struct viewers {
    struct ev_loop *loop;
    struct viewers_config config;
    struct sio_namespace namespace;
    struct watched_link *links;
    struct places places;
    size_t n;         /* viewers, those that are not let in yet among them */
    size_t questions; /* unanswered */
    uint64_t news;    /* so many came: what was answered before one was asked before it, perhaps */
    bool asking;
    int64_t not_before_us;
    ev_timer beat;
    struct arena *arena;
};

static void viewers_check(const struct viewers *viewers)
{
    const struct watched_link *link, *next;
    size_t n = 0;

    HASH_ITER(hh, viewers->links, link, next) {
        assert(link->is_told || (link->first != NULL && link->n > 0));
        n += link->n;
    }
    assert(n <= viewers->n);
    assert((ev_is_active(&viewers->beat) != 0) == (viewers->links != NULL));
}

/* --- links --- */

static struct watched_link *find_link(const struct viewers *viewers, struct id id)
{
    struct watched_link *link;

    HASH_FIND(hh, viewers->links, id.b, sizeof id.b, link);
    return link;
}

static struct watched_link *add_link(struct viewers *viewers, const struct share_state *state)
{
    struct watched_link *link = mem_zero(sizeof *link + state->owner.len);

    link->id = state->link;
    link->conversation = state->conversation;
    memcpy(link->code, state->code.at, CODE_BYTES);
    link->owner_len = state->owner.len;
    memcpy(link->owner, state->owner.at, state->owner.len);
    HASH_ADD(hh, viewers->links, id.b, sizeof link->id.b, link);
    ev_timer_again(viewers->loop, &viewers->beat);
    return link;
}

static void drop_if_empty(struct viewers *viewers, struct watched_link *link)
{
    if (link->first != NULL || link->is_told) return;
    HASH_DEL(viewers->links, link);
    mem_free(link);
    if (viewers->links == NULL) ev_timer_stop(viewers->loop, &viewers->beat);
}

/* --- viewers --- */

static void free_viewer(struct viewer *viewer)
{
    struct viewers *viewers = viewer->home;
    struct watched_link *link = viewer->link;

    sio_set_user(viewer->socket, NULL);
    place_leave(&viewers->places, &viewer->place);
    viewers->n--;
    if (link != NULL) {
        DL_DELETE(link->first, viewer);
        link->n--;
        drop_if_empty(viewers, link);
    }
    mem_free(viewer);
    CHECK_STEP(viewers_check(viewers));
}

static void note_connect(const struct sio_socket *socket, enum err e)
{
    static struct log_bound strangers; /* as often as they like */
    int64_t left_out = 0;

    if (!log_may_write(&strangers, &left_out)) return;
    LOG(INFO, "gateway.connect", F_STR("namespace", sio_nsp(socket)), F_TEXT("socket", sio_sid(socket)),
        F_STR("address", sio_address(socket)), F_TEXT("code", err_code(e)), F_SOME("left_out", left_out));
}

static void refuse(struct sio_socket *socket, enum err e, int64_t retry_ms)
{
    struct buf data = BUF(200);

    note_connect(socket, e);
    refusal_count(e);
    buf_printf(&data, "{\"code\":\"%s\"", err_code(e));
    if (retry_ms > 0) buf_printf(&data, ",\"retry_after_ms\":%lld", (long long)retry_ms);
    buf_add_char(&data, '}');
    sio_refuse(socket, err_text(e), buf_str(&data));
    buf_free(&data);
}

/* Share is away, or has too much to do: clients come back by themselves, but not after a refusal. */
static bool is_passing(enum err e)
{
    return e == ERR_UNAVAILABLE || e == ERR_DEADLINE || e == ERR_OVERLOADED || e == ERR_SHUTTING_DOWN;
}

static void refuse_viewer(struct viewer *viewer, enum err e, int64_t retry_ms)
{
    struct sio_socket *socket = viewer->socket;

    if (is_passing(e) && retry_ms == 0) {
        note_connect(socket, e);
        sio_hang_up(socket); /* which frees it */
        return;
    }
    free_viewer(viewer);
    refuse(socket, e, retry_ms);
}

/* --- telling --- */

static bool may_look(const struct viewer *viewer, const struct watched_link *link, const struct share_state *state)
{
    bool is_same = memcmp(link->code, state->code.at, CODE_BYTES) == 0;
    bool knows = state->lock == 0 || state->lock == viewer->lock;

    return is_same && knows && (!state->used_up || clock_mono_us() < viewer->looks_until_us);
}

static void tell_end(struct viewer *viewer)
{
    struct sio_socket *socket = viewer->socket;

    sio_emit(socket, "link:ended", STR("{}"));
    sio_disconnect(socket); /* which frees the viewer */
}

static void tell_change(struct viewer *viewer, const struct share_state *state)
{
    struct buf json = BUF(100);

    if (viewer->changed_at == state->changed_at) return;
    viewer->changed_at = state->changed_at;
    buf_printf(&json, "{\"changed_at\":%lld}", (long long)state->changed_at);
    sio_emit(viewer->socket, "link:changed", buf_str(&json));
    buf_free(&json);
}

/* When it may be another than it is, by its times.  Never too early: then share would say that nothing is. */
static void set_due_at(struct watched_link *link, const struct share_state *state, int64_t now)
{
    int64_t at = clock_mono_us() + ASK_US, ends_at = clock_mono_us() + (state->expires_at - now) * 1000;
    const struct viewer *viewer;

    if (state->expires_at != 0 && ends_at < at) at = ends_at;
    DL_FOREACH(link->first, viewer)
        if (state->used_up && viewer->looks_until_us < at) at = viewer->looks_until_us;
    link->due_at_us = at;
}

/* state NULL: it has ended. */
static void tell_link(struct viewers *viewers, struct watched_link *link, const struct share_state *state, int64_t now)
{
    struct viewer *viewer, *next;

    link->is_told = true;
    DL_FOREACH_SAFE(link->first, viewer, next) {
        if (state == NULL || !may_look(viewer, link, state))
            tell_end(viewer);
        else
            tell_change(viewer, state);
    }
    if (state != NULL) set_due_at(link, state, now);
    link->is_told = false;
    drop_if_empty(viewers, link);
    CHECK_STEP(viewers_check(viewers));
}

/* --- asking how links are --- */

struct links_look {
    struct viewers *home;
    size_t n;
    struct id links[LINKS_MAX];
};

static void ask_share(struct viewers *viewers);

static const struct share_state *find_state(const struct share_states *states, struct id link)
{
    for (size_t i = 0; i < states->links.len; i++)
        if (id_eq(states->links.at[i].link, link)) return &states->links.at[i];
    return NULL;
}

static void take_states(struct links_look *look, const struct share_states *states)
{
    for (size_t i = 0; i < look->n; i++) {
        struct watched_link *link = find_link(look->home, look->links[i]);
        if (link != NULL) tell_link(look->home, link, find_state(states, link->id), states->now);
    }
}

static void doubt_again(struct links_look *look)
{
    for (size_t i = 0; i < look->n; i++) {
        struct watched_link *link = find_link(look->home, look->links[i]);
        if (link != NULL) link->is_due = true;
    }
    look->home->not_before_us = clock_mono_us() + RETRY_US;
}

static void on_states(void *arg, enum err e, struct str body)
{
    struct links_look *look = arg;
    struct viewers *viewers = look->home;
    struct share_states states = { .now = 0 };
    struct wire_error why;

    viewers->asking = false;
    viewers->questions--;
    if (e == OK) e = wire_decode(share_states_shape(), body, viewers->arena, &states, &why);
    if (e == OK)
        take_states(look, &states);
    else
        doubt_again(look);
    arena_reset(viewers->arena);
    mem_free(look);
    ask_share(viewers);
}

static struct links_look *collect_due(struct viewers *viewers)
{
    struct links_look *look = mem_zero(sizeof *look);
    struct watched_link *link, *next;

    look->home = viewers;
    HASH_ITER(hh, viewers->links, link, next) {
        if (!link->is_due && link->due_at_us > clock_mono_us()) continue;
        if (look->n == LINKS_MAX) break;
        link->is_due = false;
        link->due_at_us = INT64_MAX; /* until it is answered */
        look->links[look->n++] = link->id;
    }
    return look;
}

/* One question at a time, about all that is due by then. */
static void ask_share(struct viewers *viewers)
{
    if (viewers->asking || clock_mono_us() < viewers->not_before_us) return;
    struct links_look *look = collect_due(viewers);
    if (look->n == 0) {
        mem_free(look);
        return;
    }
    const struct share_refs refs = { { look->links, look->n } };
    viewers->asking = true;
    viewers->questions++;
    method_ask(viewers->config.share, M_share_share_watch_look, &refs, on_states, look);
}

static void on_beat(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)events;
    ask_share(timer->data);
}

/* --- what share says --- */

static bool is_about(const struct watched_link *link, const struct share_news *news)
{
    return id_eq(link->id, news->link) || id_eq(link->conversation, news->conversation) ||
           (news->owner.len > 0 && str_eq(news->owner, (struct str){ link->owner, link->owner_len }));
}

void viewers_share_event(struct viewers *viewers, const struct frame_event *head, struct str body)
{
    struct share_news news = { .owner = STR_NONE };
    struct watched_link *link, *next;
    struct wire_error why;
    bool is_all = str_is(head->name, "resync");

    if (!is_all && !str_is(head->name, "share.moved")) return;
    if (!is_all && wire_decode(share_news_shape(), body, viewers->arena, &news, &why) != OK) {
        LOG(ERROR, "gateway.bad_event", F_TEXT("name", "share.moved"), F_TEXT("why", why.text));
        is_all = true;
    }
    viewers->news++;
    HASH_ITER(hh, viewers->links, link, next) link->is_due |= is_all || is_about(link, &news);
    arena_reset(viewers->arena);
    ask_share(viewers);
}

void viewers_share_up(struct viewers *viewers)
{
    struct watched_link *link, *next;

    viewers->news++;
    HASH_ITER(hh, viewers->links, link, next) link->is_due = true;
    ask_share(viewers);
}

/* --- coming --- */

struct ticket_question {
    struct viewers *home;
    struct sio_socket *socket; /* held */
    uint64_t news;
};

/* NULL: there is none, or there was one whose viewers have a former code. */
static struct watched_link *find_link_as(struct viewers *viewers, const struct share_state *state, int64_t now)
{
    struct watched_link *link = find_link(viewers, state->link);

    if (link == NULL || memcmp(link->code, state->code.at, CODE_BYTES) == 0) return link;
    tell_link(viewers, link, state, now);
    return NULL;
}

/* in_doubt: it was answered before news that came first. */
static enum err let_in(struct viewer *viewer, const struct share_listening *is, bool in_doubt)
{
    struct viewers *viewers = viewer->home;

    if (is->state == NULL || !str_eq(is->ticket->code, is->state->code)) return ERR_NOT_FOUND;
    struct watched_link *link = find_link_as(viewers, is->state, is->now);
    viewer->lock = is->ticket->lock;
    viewer->changed_at = is->ticket->changed_at;
    viewer->looks_until_us = clock_mono_us() + (is->looks_until - is->now) * 1000;
    if (link != NULL && link->n >= viewers->config.per_link) return ERR_OVERLOADED;
    if (link == NULL) link = add_link(viewers, is->state);
    link->is_told = true;
    bool may = may_look(viewer, link, is->state);
    link->is_due |= in_doubt || !may;
    if (may) {
        viewer->link = link;
        DL_APPEND(link->first, viewer);
        link->n++;
        set_due_at(link, is->state, is->now);
        sio_accept(viewer->socket);
        note_connect(viewer->socket, OK);
        tell_change(viewer, is->state);
    }
    link->is_told = false;
    drop_if_empty(viewers, link);
    CHECK_STEP(viewers_check(viewers));
    return may ? OK : ERR_NOT_FOUND;
}

static void on_ticket(void *arg, enum err e, struct str body)
{
    struct ticket_question *question = arg;
    struct viewers *viewers = question->home;
    struct share_listening is = { .now = 0 };
    struct wire_error why;

    viewers->questions--;
    if (sio_is_pending(question->socket)) {
        struct viewer *viewer = sio_user(question->socket);
        if (e == OK) e = wire_decode(share_listening_shape(), body, viewers->arena, &is, &why);
        if (e == OK) e = let_in(viewer, &is, question->news != viewers->news);
        if (e != OK) refuse_viewer(viewer, e, e == ERR_OVERLOADED && is.now != 0 ? LATER_MS : 0);
    }
    sio_socket_drop(question->socket);
    arena_reset(viewers->arena);
    mem_free(question);
    ask_share(viewers);
}

static void ask_about(struct viewers *viewers, struct sio_socket *socket, struct str ticket)
{
    const struct principal who = { .kind = STR("anonymous"), .address = sio_address(socket) };
    const struct share_listener listener = { ticket };
    struct ticket_question *question = mem_zero(sizeof *question);
    struct buf body = BUF(TICKET_MAX + 100);
    enum err e = wire_encode(share_listener_shape(), &listener, &body);

    assert(e == OK);
    *question = (struct ticket_question){ viewers, sio_socket_take(socket), viewers->news };
    viewers->questions++;
    method_call(viewers->config.share, M_share_share_watch_begin, &who, STR_NONE, buf_str(&body), on_ticket, question);
    buf_free(&body);
}

static enum err charge(struct viewers *viewers, const struct sio_socket *socket, int64_t *retry_ms)
{
    struct rate_payer payer = { .amount = { [UNIT_CALLS] = 1 } };
    struct rate_state state;

    payer.who[BY_ADDRESS] = sio_address(socket);
    if (rates_charge(viewers->config.rates, CLASS_watch, &payer, clock_mono_us(), &state)) return OK;
    *retry_ms = state.retry_after_ms;
    return ERR_RATE_LIMITED;
}

static enum err check_arrival(
    struct viewers *viewers, struct sio_socket *socket, struct str auth, struct str *ticket, int64_t *retry_ms)
{
    struct str raw;

    if (auth.len > sio_auth_bytes_max(socket)) return ERR_TOO_LARGE;
    if (!json_find(auth, "watch", &raw) || !json_plain_text(raw, ticket)) return ERR_CREDENTIALS_INVALID;
    if (ticket->len == 0 || ticket->len > TICKET_MAX) return ERR_CREDENTIALS_INVALID;
    *retry_ms = LATER_MS;
    if (viewers->n >= viewers->config.max) return ERR_OVERLOADED;
    if (places_count(&viewers->places, PLACE_OF_ADDRESS, sio_address(socket)) >= viewers->config.per_address)
        return ERR_OVERLOADED;
    *retry_ms = 0;
    TRY(charge(viewers, socket, retry_ms));
    return sio_hold(socket, sizeof(struct viewer) + sizeof(struct watched_link));
}

static void on_connect(void *arg, struct sio_socket *socket, struct str auth)
{
    struct viewers *viewers = arg;
    struct str ticket = STR_NONE;
    int64_t retry_ms = 0;

    enum err e = check_arrival(viewers, socket, auth, &ticket, &retry_ms);
    if (e != OK) {
        refuse(socket, e, retry_ms);
        return;
    }
    struct viewer *viewer = mem_zero(sizeof *viewer);
    viewer->home = viewers;
    viewer->socket = socket;
    viewer->place = place_take(&viewers->places, STR(""), sio_address(socket));
    viewers->n++;
    sio_set_user(socket, viewer);
    ask_about(viewers, socket, ticket);
}

/* --- nothing else --- */

static void refuse_event(struct sio_socket *socket, int64_t ack)
{
    struct failure failure = refusal_plain(ERR_FORBIDDEN);

    refusal_count(ERR_FORBIDDEN);
    refusal_send(socket, ack, &failure);
}

static void on_event(void *arg, struct sio_socket *socket, const struct sio_event *event)
{
    (void)arg;
    refuse_event(socket, event->ack);
}

static void on_refused(void *arg, struct sio_socket *socket, int64_t ack, struct str why)
{
    (void)arg, (void)why;
    refuse_event(socket, ack);
}

static void on_disconnected(void *arg, struct sio_socket *socket, const char *reason)
{
    struct viewer *viewer = sio_user(socket);

    (void)arg, (void)reason;
    if (viewer != NULL) free_viewer(viewer);
}

/* --- its life --- */

struct viewers *viewers_create(struct ev_loop *loop, const struct viewers_config *config)
{
    struct viewers *viewers = mem_zero(sizeof *viewers);

    viewers->loop = loop;
    viewers->config = *config;
    viewers->namespace = (struct sio_namespace){ .name = VIEWERS_NAMESPACE,
        .arg = viewers,
        .connect = on_connect,
        .event = on_event,
        .refused = on_refused,
        .disconnected = on_disconnected };
    /* bound: how 200 links are */
    viewers->arena = arena_create("viewers", ARENA_BYTES);
    ev_timer_init(&viewers->beat, on_beat, BEAT_S, BEAT_S);
    viewers->beat.data = viewers;
    return viewers;
}

const struct sio_namespace *viewers_namespace(const struct viewers *viewers)
{
    return &viewers->namespace;
}

void viewers_destroy(struct viewers **at)
{
    struct viewers *viewers = *at;

    if (viewers == NULL) return;
    assert(viewers->n == 0 && viewers->links == NULL && viewers->questions == 0);
    arena_destroy(&viewers->arena);
    mem_free(viewers);
    *at = NULL;
}
