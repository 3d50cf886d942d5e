/* presence.c - people who are there: whose gateways say so, what was read of them, and what gateways were told. */
// SPDX-License-Identifier: Apache-2.0
#include "services/chat/presence/presence.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include <ev.h>
#include <utlist.h>

#include "libshared/base/clock.h"
#include "libshared/base/invariant.h"
#include "libshared/base/log.h"
#include "libshared/base/metrics.h"
#include "libshared/base/table.h"
#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "libshared/wire/kept_texts.h"
#include "services/chat/chat.h"

#define TICK_S       0.25
#define KNOWN_US     INT64_C(3000000)  /* gateways are back by then, */
#define KNOWN_AT_US  INT64_C(30000000) /* and what they said was read, or it takes too long */
#define READ_MAX     1000
#define TOLD_MAX     1000       /* proto/chat.def: presence_news.people */
#define TOLD_BYTES   (1u << 20) /* of texts, in one event */
#define SEEN_S       5.0
#define SEEN_MAX     1000 /* in one statement */
#define SEEN_WAITING 100000
#define SEEN_STEP_MS 60000

enum presence_state { OFFLINE, ONLINE, AWAY, BUSY, INVISIBLE };
static const char *const state_names[] = { "offline", "online", "away", "busy", "invisible" };

struct attendee {
    UT_hash_handle hh;
    const struct rpc_peer **peers; /* gateways with sockets of theirs */
    size_t n, cap;
    int64_t over_us; /* without a gateway: until then they are there still */
    enum presence_state wants, told;
    bool is_read, is_being_read, is_doubted; /* how they want to be seen; doubted: it is another by now */
    bool is_changed;                         /* something but the state */
    bool is_due, is_leaving, is_timed, is_over;
    int64_t until; /* of what they want; 0: for good */
    struct str text;
    struct str_list hidden_from; /* one block of memory */
    bool is_hidden;              /* from everybody */
    struct attendee *due_prev, *due_next, *leaving_prev, *leaving_next, *timed_prev, *timed_next;
    size_t len;
    char subject[];
};

struct seen {
    struct str subject;
    int64_t at;
};

struct presence {
    struct chat *chat;
    pthread_mutex_t lock; /* for workers: the table, and what is told of a person */
    struct attendee *people, *due, *leaving, *timed;
    int64_t number; /* of the newest news */
    int64_t born_us;
    size_t max;
    int64_t grace_us;
    bool is_reading, is_writing;
    bool is_known; /* who is there: under the lock */
    struct seen *seen;
    size_t n_seen, cap_seen;
    ev_tstamp looked_at, wrote_at;
    struct metric *gauge;
    ev_timer tick;
};

static struct str subject_of(const struct attendee *person)
{
    return (struct str){ person->subject, person->len };
}

static struct attendee *find_attendee(const struct presence *presence, struct str subject)
{
    struct attendee *person;

    HASH_FIND(hh, presence->people, subject.at, subject.len, person);
    return person;
}

static void person_check(const struct attendee *person)
{
    assert(person->n <= person->cap && (person->n == 0) == (person->is_leaving || person->is_over));
    assert(!person->is_over || person->is_due);
    assert(person->is_read || (person->told == OFFLINE && (person->is_due || person->is_leaving)));
}

static void make_due(struct presence *presence, struct attendee *person)
{
    if (person->is_due) return;
    person->is_due = true;
    DL_APPEND2(presence->due, person, due_prev, due_next);
}

static void leave_due(struct presence *presence, struct attendee *person)
{
    person->is_due = false;
    DL_DELETE2(presence->due, person, due_prev, due_next);
}

static void set_timed(struct presence *presence, struct attendee *person, bool is)
{
    if (is == person->is_timed) return;
    person->is_timed = is;
    if (is)
        DL_APPEND2(presence->timed, person, timed_prev, timed_next);
    else
        DL_DELETE2(presence->timed, person, timed_prev, timed_next);
}

static void set_leaving(struct presence *presence, struct attendee *person, bool is)
{
    if (is == person->is_leaving) return;
    person->is_leaving = is;
    if (is)
        DL_APPEND2(presence->leaving, person, leaving_prev, leaving_next);
    else
        DL_DELETE2(presence->leaving, person, leaving_prev, leaving_next);
}

/* --- what gateways say; the lock is held --- */

static struct attendee *add_person(struct presence *presence, struct str subject)
{
    if (HASH_COUNT(presence->people) >= presence->max) {
        LOG_BOUNDED(WARN, "chat.presence_full", F_INT("max", presence->max));
        return NULL;
    }
    struct attendee *person = mem_zero(sizeof *person + subject.len);
    person->wants = ONLINE;
    person->len = subject.len;
    memcpy(person->subject, subject.at, subject.len);
    HASH_ADD_KEYPTR(hh, presence->people, person->subject, person->len, person);
    metric_set(presence->gauge, HASH_COUNT(presence->people));
    make_due(presence, person); /* to be read */
    return person;
}

static void free_person(struct presence *presence, struct attendee *person)
{
    HASH_DEL(presence->people, person);
    metric_set(presence->gauge, HASH_COUNT(presence->people));
    if (person->is_due) leave_due(presence, person);
    set_timed(presence, person, false);
    set_leaving(presence, person, false);
    mem_free(person->peers);
    mem_free((void *)(uintptr_t)person->text.at);
    mem_free(person->hidden_from.at);
    mem_free(person);
}

static void note_here(struct presence *presence, struct str subject, const struct rpc_peer *peer)
{
    struct attendee *person = find_attendee(presence, subject);

    if (person == NULL && (person = add_person(presence, subject)) == NULL) return;
    for (size_t i = 0; i < person->n; i++)
        if (person->peers[i] == peer) return;
    person->peers = mem_one_more(person->peers, person->n, &person->cap, sizeof *person->peers);
    person->peers[person->n++] = peer;
    person->is_over = false;
    set_leaving(presence, person, false);
    CHECK_STEP(person_check(person));
}

static void note_gone(struct presence *presence, struct attendee *person, const struct rpc_peer *peer)
{
    size_t i = 0;

    while (i < person->n && person->peers[i] != peer) i++;
    if (i == person->n) return;
    person->peers[i] = person->peers[--person->n];
    if (person->n > 0) return;
    person->over_us = clock_mono_us() + presence->grace_us;
    set_leaving(presence, person, true);
    CHECK_STEP(person_check(person));
}

static void forget_peer(struct presence *presence, const struct rpc_peer *peer)
{
    struct attendee *person, *next;

    HASH_ITER(hh, presence->people, person, next) note_gone(presence, person, peer);
}

void presence_forget_peer(const struct chat *chat, const struct rpc_peer *peer)
{
    pthread_mutex_lock(&chat->presence->lock);
    forget_peer(chat->presence, peer);
    pthread_mutex_unlock(&chat->presence->lock);
}

enum err presence_report(struct call *call, const struct presence_report *req, struct nothing *rep)
{
    struct presence *presence = ((struct chat *)call->context)->presence;

    (void)rep;
    pthread_mutex_lock(&presence->lock);
    if (req->begins) forget_peer(presence, call->peer);
    for (size_t i = 0; i < req->devices.len; i++) {
        const struct presence_device *device = &req->devices.at[i];
        struct attendee *person = device->here ? NULL : find_attendee(presence, device->subject);
        if (device->here)
            note_here(presence, device->subject, call->peer);
        else if (person != NULL)
            note_gone(presence, person, call->peer);
    }
    pthread_mutex_unlock(&presence->lock);
    return OK;
}

/* --- reading how people want to be seen, some at a time --- */

struct wish {
    struct str subject, state, text;
    int64_t until;
    struct str_list hidden_from;
};
struct wish_list {
    struct wish *at;
    size_t len;
};
static const struct wire_field wish_fields[] = {
    ROW_FIELD(struct wish, subject, TEXT),
    ROW_FIELD(struct wish, state, TEXT),
    ROW_FIELD(struct wish, text, TEXT),
    ROW_FIELD(struct wish, until, TIME),
    ROW_FIELD(struct wish, hidden_from, TEXTS),
    ROW_END,
};
static const struct wire_shape wish_shape = { "wish", "", sizeof(struct wish), wish_fields };

struct wish_reading {
    struct presence *home;
    struct arena *arena;
    struct str_list subjects;
    struct wish_list wishes;
};

static const char READ[] =
    "SELECT s AS subject, coalesce(p.state, 'online') AS state, coalesce(p.text, '') AS text, p.until, array("
    " (SELECT r.high FROM relation r WHERE r.low = s AND (r.low_blocks IS NOT NULL OR r.high_blocks IS NOT NULL)"
    "  LIMIT $2) UNION ALL"
    " (SELECT r.low FROM relation r WHERE r.high = s AND (r.low_blocks IS NOT NULL OR r.high_blocks IS NOT NULL)"
    "  LIMIT $2)) AS hidden_from FROM unnest($1::text[]) s"
    " LEFT JOIN presence p ON p.subject = s AND coalesce(p.until > $3, true)";

static enum err read_wishes(struct pg *pg, struct arena *arena, void *arg)
{
    struct wish_reading *reading = arg;

    return pg_all(pg, reading->arena, &wish_shape, &reading->wishes, READ_MAX, READ,
        PG_ARGS(pg_texts(arena, reading->subjects), pg_int(HIDDEN_MAX + 1), pg_time(clock_ms())));
}

enum err presence_read_hidden(struct pg *pg, struct arena *arena, struct str subject, struct str_list *out)
{
    struct wish wish = { .subject = subject };

    TRY(pg_one(pg, arena, &wish_shape, &wish, READ,
        PG_ARGS(pg_texts(arena, (struct str_list){ &subject, 1 }), pg_int(HIDDEN_MAX + 1), pg_time(clock_ms()))));
    *out = wish.hidden_from;
    return OK;
}

static enum presence_state state_of(struct str name)
{
    for (size_t i = 1; i < COUNT(state_names); i++)
        if (str_is(name, state_names[i])) return (enum presence_state)i;
    return INVISIBLE; /* of a later one of us */
}

static void take_wish(struct presence *presence, struct attendee *person, const struct wish *wish)
{
    mem_free((void *)(uintptr_t)person->text.at);
    mem_free(person->hidden_from.at);
    person->is_hidden = wish->hidden_from.len > HIDDEN_MAX;
    person->hidden_from = texts_keep(person->is_hidden ? (struct str_list){ NULL, 0 } : wish->hidden_from);
    person->text = text_keep(wish->text);
    person->wants = state_of(wish->state);
    person->until = wish->until;
    person->is_read = person->is_changed = true;
    set_timed(presence, person, wish->until > 0);
    make_due(presence, person);
}

static void read_some(struct presence *presence);

static void on_wishes(void *arg, enum err e)
{
    struct wish_reading *reading = arg;
    struct presence *presence = reading->home;

    presence->is_reading = false;
    pthread_mutex_lock(&presence->lock);
    for (size_t i = 0; i < reading->subjects.len; i++) {
        struct attendee *person = find_attendee(presence, reading->subjects.at[i]);
        if (person == NULL || !person->is_being_read) continue;
        person->is_being_read = false;
        person->is_doubted |= e != OK;
        make_due(presence, person);
    }
    for (size_t i = 0; e == OK && i < reading->wishes.len; i++) {
        struct attendee *person = find_attendee(presence, reading->wishes.at[i].subject);
        if (person != NULL) take_wish(presence, person, &reading->wishes.at[i]);
    }
    pthread_mutex_unlock(&presence->lock);
    arena_destroy(&reading->arena);
    mem_free(reading);
    if (e == OK) read_some(presence); /* else a moment later */
}

static bool is_to_be_read(const struct attendee *person)
{
    return !person->is_over && !person->is_being_read && (!person->is_read || person->is_doubted);
}

static void read_some(struct presence *presence)
{
    struct wish_reading *reading;
    struct attendee *person;

    if (presence->is_reading || presence->due == NULL) return;
    reading = mem_zero(sizeof *reading);
    reading->home = presence;
    /* bound: what is read of 1,000 people, each hidden from 200 at most of whom it says so */
    reading->arena = arena_create("presence", 256u << 20);
    reading->subjects.at = arena_alloc(reading->arena, READ_MAX * sizeof *reading->subjects.at);
    DL_FOREACH2(presence->due, person, due_next) {
        if (reading->subjects.len == READ_MAX) break;
        if (!is_to_be_read(person)) continue;
        person->is_being_read = true;
        person->is_doubted = false;
        reading->subjects.at[reading->subjects.len++] = arena_str(reading->arena, subject_of(person));
    }
    presence->is_reading = reading->subjects.len > 0;
    if (!presence->is_reading) {
        arena_destroy(&reading->arena);
        mem_free(reading);
    } else if (!rpc_server_work(presence->chat->server, STR(""), read_wishes, on_wishes, reading)) {
        on_wishes(reading, ERR_OVERLOADED);
    }
}

static void doubt_person(struct presence *presence, struct attendee *person)
{
    person->is_doubted = true;
    make_due(presence, person);
}

#define PREFIX "presence "

static const char NOTIFY[] =
    "SELECT pg_notify('" CHAT_CHANGED "', '" PREFIX "' || subject) FROM unnest($1::text[]) AS subject";

enum err presence_notify(struct call *call, struct str_list subjects)
{
    return pg_run(call->pg, call->arena, NOTIFY, PG_ARGS(pg_texts(call->arena, subjects)), NULL);
}

bool presence_hear(struct chat *chat, struct str line)
{
    if (!str_starts(line, STR(PREFIX))) return false;
    struct attendee *person = find_attendee(chat->presence, str_skip(line, sizeof PREFIX - 1));
    if (person != NULL) doubt_person(chat->presence, person);
    return true;
}

void presence_doubt(struct chat *chat)
{
    struct attendee *person, *next;

    HASH_ITER(hh, chat->presence->people, person, next) doubt_person(chat->presence, person);
}

/* --- telling gateways --- */

static enum presence_state seen_state(const struct attendee *person)
{
    if (person->is_over || person->is_hidden || person->wants == INVISIBLE) return OFFLINE;
    return person->wants;
}

static struct presence_item item_of(const struct attendee *person)
{
    bool is_there = person->told != OFFLINE;

    return (struct presence_item){ .subject = subject_of(person),
        .state = str_of(state_names[person->told]),
        .text = is_there ? person->text : STR_NONE,
        .hidden_from = person->hidden_from };
}

static size_t item_bytes(const struct presence_item *item)
{
    size_t bytes = item->subject.len + item->text.len + 64;

    for (size_t i = 0; i < item->hidden_from.len; i++) bytes += item->hidden_from.at[i].len + 8;
    return bytes;
}

static void note_seen(struct presence *presence, const struct attendee *person)
{
    if (presence->chat->part != 0) return;
    if (presence->n_seen == SEEN_WAITING) {
        LOG_BOUNDED(WARN, "chat.last_seen_lost", F_INT("waiting", presence->n_seen));
        return;
    }
    presence->seen = mem_one_more(presence->seen, presence->n_seen, &presence->cap_seen, sizeof *presence->seen);
    presence->seen[presence->n_seen++] =
        (struct seen){ text_keep(subject_of(person)), clock_ms() / SEEN_STEP_MS * SEEN_STEP_MS };
}

/* false: nobody needs to hear of it. */
static bool tell_person(struct presence *presence, struct attendee *person, struct presence_item *out)
{
    enum presence_state is = seen_state(person);
    bool is_news = is != person->told || (person->is_changed && is != OFFLINE);

    if (is == OFFLINE && person->told != OFFLINE) note_seen(presence, person);
    person->told = is;
    person->is_changed = false;
    *out = item_of(person);
    return is_news;
}

static void send_news(struct presence *presence, const struct presence_item *items, size_t n)
{
    const struct presence_news news = { presence->number, { (struct presence_item *)(uintptr_t)items, n } };

    if (presence->chat->part != 0) return;
    struct rpc_event *event =
        rpc_event_create((struct id){ { 0 } }, 0, "presence.changed", presence_news_shape(), &news);
    rpc_event_send_all(presence->chat->server, "gateway", event);
    rpc_event_destroy(&event);
}

/* Those that are over are freed when it is sent.  false: nobody is left who can be told. */
static bool tell_some(struct presence *presence)
{
    struct presence_item items[TOLD_MAX];
    struct attendee *person, *next, *over = NULL;
    size_t n = 0, bytes = 0;

    pthread_mutex_lock(&presence->lock);
    DL_FOREACH_SAFE2(presence->due, person, next, due_next) {
        if (n == TOLD_MAX || bytes >= TOLD_BYTES) break;
        if (!person->is_over && (!person->is_read || person->is_doubted || person->is_being_read)) continue;
        if (tell_person(presence, person, &items[n])) bytes += item_bytes(&items[n++]);
        leave_due(presence, person);
        if (person->is_over) DL_APPEND2(over, person, due_prev, due_next);
    }
    presence->number += n > 0;
    pthread_mutex_unlock(&presence->lock);
    if (n > 0) send_news(presence, items, n);
    pthread_mutex_lock(&presence->lock);
    DL_FOREACH_SAFE2(over, person, next, due_next) free_person(presence, person);
    pthread_mutex_unlock(&presence->lock);
    return n == TOLD_MAX || bytes >= TOLD_BYTES;
}

/* --- when people were seen last --- */

struct seen_writing {
    struct presence *home;
    size_t n;
    struct str subjects[SEEN_MAX];
    int64_t times[SEEN_MAX];
};

/* A user who was erased meanwhile is not kept again. */
static const char SEEN[] =
    "INSERT INTO presence (subject, last_seen) SELECT s, max(at) FROM unnest($1::text[], $2::timestamptz[]) AS t (s, "
    "at)"
    " WHERE s !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' OR EXISTS (SELECT FROM directory d WHERE d.subject = s)"
    " GROUP BY s ORDER BY s COLLATE \"C\""
    " ON CONFLICT (subject) DO UPDATE SET last_seen = greatest(presence.last_seen, excluded.last_seen)";

static enum err write_seen(struct pg *pg, struct arena *arena, void *arg)
{
    struct seen_writing *writing = arg;
    struct str_list subjects = { writing->subjects, writing->n };

    return pg_run(
        pg, arena, SEEN, PG_ARGS(pg_texts(arena, subjects), pg_times(arena, writing->times, writing->n)), NULL);
}

static void drop_seen(struct presence *presence, size_t n)
{
    for (size_t i = 0; i < n; i++) mem_free((void *)(uintptr_t)presence->seen[i].subject.at);
    presence->n_seen -= n;
    if (presence->n_seen > 0) memmove(presence->seen, presence->seen + n, presence->n_seen * sizeof *presence->seen);
}

static void on_seen(void *arg, enum err e)
{
    struct seen_writing *writing = arg;
    struct presence *presence = writing->home;

    presence->is_writing = false;
    if (e == OK) drop_seen(presence, writing->n);
    mem_free(writing);
}

static void write_some_seen(struct presence *presence)
{
    struct seen_writing *writing;

    if (presence->is_writing || presence->n_seen == 0) return;
    writing = mem_zero(sizeof *writing);
    writing->home = presence;
    writing->n = presence->n_seen < SEEN_MAX ? presence->n_seen : SEEN_MAX;
    for (size_t i = 0; i < writing->n; i++) {
        writing->subjects[i] = presence->seen[i].subject;
        writing->times[i] = presence->seen[i].at;
    }
    presence->is_writing = true;
    if (!rpc_server_work(presence->chat->server, STR(""), write_seen, on_seen, writing))
        on_seen(writing, ERR_OVERLOADED);
}

/* --- time --- */

static void end_leaving(struct presence *presence)
{
    struct attendee *person;

    while ((person = presence->leaving) != NULL && person->over_us <= clock_mono_us()) {
        set_leaving(presence, person, false);
        person->is_over = true;
        make_due(presence, person);
    }
}

static void end_timed(struct presence *presence)
{
    struct attendee *person, *next;

    DL_FOREACH_SAFE2(presence->timed, person, next, timed_next)
        if (person->until <= clock_ms()) {
            set_timed(presence, person, false);
            doubt_person(presence, person);
        }
}

static void note_known(struct presence *presence)
{
    int64_t age_us = clock_mono_us() - presence->born_us;

    if (presence->is_known || age_us < KNOWN_US || (presence->is_reading && age_us < KNOWN_AT_US)) return;
    pthread_mutex_lock(&presence->lock);
    presence->is_known = true;
    pthread_mutex_unlock(&presence->lock);
}

static void take_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct presence *presence = timer->data;

    (void)events;
    if (presence->chat->server == NULL || rpc_server_is_leaving(presence->chat->server)) return;
    end_leaving(presence);
    if (ev_now(loop) - presence->looked_at >= 1) {
        presence->looked_at = ev_now(loop);
        end_timed(presence);
    }
    read_some(presence);
    while (tell_some(presence)) continue;
    note_known(presence);
    if (ev_now(loop) - presence->wrote_at >= SEEN_S) {
        presence->wrote_at = ev_now(loop);
        write_some_seen(presence);
    }
}

/* --- looking it up --- */

bool presence_hides(const struct chat *chat, struct str subject, struct str_list *out)
{
    const struct attendee *person = find_attendee(chat->presence, subject);

    if (person == NULL || !person->is_read || person->is_doubted || person->is_being_read || person->is_hidden)
        return false;
    *out = person->hidden_from;
    return true;
}

bool presence_is_known(const struct chat *chat)
{
    pthread_mutex_lock(&chat->presence->lock);
    bool is_known = chat->presence->is_known;
    pthread_mutex_unlock(&chat->presence->lock);
    return is_known;
}

static struct presence_item copy_item(struct arena *arena, struct presence_item item)
{
    struct str *hidden = arena_alloc(arena, (item.hidden_from.len + 1) * sizeof *hidden);

    for (size_t i = 0; i < item.hidden_from.len; i++) hidden[i] = arena_str(arena, item.hidden_from.at[i]);
    return (struct presence_item){ .subject = item.subject,
        .state = item.state,
        .text = item.text.len > 0 ? arena_str(arena, item.text) : STR_NONE,
        .hidden_from = { hidden, item.hidden_from.len } };
}

int64_t presence_look(const struct chat *chat, struct arena *arena, struct str_list subjects, struct presence_item *out)
{
    struct presence *presence = chat->presence;

    pthread_mutex_lock(&presence->lock);
    for (size_t i = 0; i < subjects.len; i++) {
        const struct attendee *person = find_attendee(presence, subjects.at[i]);
        out[i] = (struct presence_item){ .state = str_of(state_names[OFFLINE]), .text = STR_NONE };
        if (person != NULL) out[i] = copy_item(arena, item_of(person));
        out[i].subject = subjects.at[i];
    }
    int64_t number = presence->number;
    pthread_mutex_unlock(&presence->lock);
    return number;
}

int64_t presence_count(const struct chat *chat, struct str_list subjects)
{
    struct presence *presence = chat->presence;
    int64_t n = 0;

    pthread_mutex_lock(&presence->lock);
    for (size_t i = 0; i < subjects.len; i++) {
        const struct attendee *person = find_attendee(presence, subjects.at[i]);
        n += person != NULL && person->told != OFFLINE;
    }
    pthread_mutex_unlock(&presence->lock);
    return n;
}

/* --- its life --- */

struct presence *presence_create(struct chat *chat)
{
    struct presence *presence = mem_zero(sizeof *presence);

    presence->chat = chat;
    presence->max = (size_t)chat->settings->present_max;
    presence->grace_us = chat->settings->presence_grace_s * 1000000;
    presence->born_us = clock_mono_us();
    pthread_mutex_init(&presence->lock, NULL);
    presence->gauge = metric_gauge("madang_chat_present", NULL, "Subjects who are there, seen or not");
    ev_timer_init(&presence->tick, take_tick, TICK_S, TICK_S);
    presence->tick.data = presence;
    ev_timer_start(chat->loop, &presence->tick);
    return presence;
}

void presence_destroy(struct presence **at)
{
    struct presence *presence = *at;
    struct attendee *person, *next;

    if (presence == NULL) return;
    ev_timer_stop(presence->chat->loop, &presence->tick);
    HASH_ITER(hh, presence->people, person, next) free_person(presence, person);
    drop_seen(presence, presence->n_seen);
    mem_free(presence->seen);
    pthread_mutex_destroy(&presence->lock);
    mem_free(presence);
    *at = NULL;
}
