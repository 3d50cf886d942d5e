/* watched.c - rooms that sockets here watch: who is a member, and who of them is there, as chat says. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <string.h>

#include "libshared/base/invariant.h"
#include "libshared/base/log.h"
#include "libshared/wire/kept_texts.h"
#include "services/gateway/presence/presence_private.h"

#define ASKING_MAX 16
#define AGAIN_S    1.0  /* behind an answer that is of no use, or is older than what happened meanwhile */
#define COUNT_S    15.0 /* a large room is counted */

struct who_question {
    struct gateway_presence *home;
    struct watched_room *room; /* NULL: nobody watches it any more */
};

static void room_check(const struct watched_room *room)
{
    assert(room->watches != NULL && (!room->is_large || room->n == 0));
    assert(room->question == NULL || room->question->room == room);
    for (size_t i = 0; i < room->n; i++) assert(room->members[i].person->n > 0);
}

static void touch_room(struct watched_room *room)
{
    struct gateway_presence *presence = room->home;

    room->changed = presence->news;
    if (room->made.packet != NULL) eio_packet_drop(room->made.packet);
    room->made.packet = NULL;
    if (room->is_touched) return;
    room->is_touched = true;
    DL_APPEND2(presence->touched, room, touched_prev, touched_next);
    presence_wake(presence);
}

/* --- people --- */

static struct known_person *find_person(const struct gateway_presence *presence, struct str subject)
{
    struct known_person *person;

    HASH_FIND(hh, presence->people, subject.at, subject.len, person);
    return person;
}

static struct known_person *get_person(struct gateway_presence *presence, struct str subject)
{
    struct known_person *person = find_person(presence, subject);

    if (person != NULL) return person;
    person = mem_zero(sizeof *person + subject.len);
    person->len = subject.len;
    memcpy(person->subject, subject.at, subject.len);
    memcpy(person->state, "offline", sizeof "offline");
    HASH_ADD_KEYPTR(hh, presence->people, person->subject, person->len, person);
    return person;
}

static void link_room(struct known_person *person, struct watched_room *room)
{
    person->rooms = mem_one_more(person->rooms, person->n, &person->cap, sizeof(struct watched_room *));
    person->rooms[person->n++] = room;
}

static void unlink_room(struct known_person *person, const struct watched_room *room)
{
    size_t i = 0;

    while (person->rooms[i] != room) i++;
    person->rooms[i] = person->rooms[--person->n];
    if (person->n > 0) return;
    HASH_DEL(room->home->people, person);
    mem_free(person->rooms);
    mem_free((void *)(uintptr_t)person->text.at);
    mem_free(person->hidden_from.at);
    mem_free(person);
}

static bool is_same_list(struct str_list a, struct str_list b)
{
    size_t i = 0;

    while (i < a.len && i < b.len && str_eq(a.at[i], b.at[i])) i++;
    return a.len == b.len && i == a.len;
}

static void take_item(struct gateway_presence *presence, struct known_person *person, const struct presence_item *item)
{
    bool hides_same = is_same_list(person->hidden_from, item->hidden_from);

    if (str_is(item->state, person->state) && str_eq(item->text, person->text) && hides_same) return;
    if (item->state.len >= sizeof person->state) return; /* of a later chat */
    presence->news++;
    person->changed = presence->news;
    memcpy(person->state, item->state.at, item->state.len);
    person->state[item->state.len] = '\0';
    person->is_there = !str_is(item->state, "offline");
    mem_free((void *)(uintptr_t)person->text.at);
    person->text = text_keep(item->text);
    if (!hides_same) {
        mem_free(person->hidden_from.at);
        person->hidden_from = texts_keep(item->hidden_from);
        person->hidden_at = presence->news;
    }
    for (size_t i = 0; i < person->n; i++) touch_room(person->rooms[i]);
}

void watched_take_news(struct gateway_presence *presence, struct str body)
{
    struct presence_news news = { .number = 0 };
    struct wire_error why;

    if (wire_decode(presence_news_shape(), body, presence->arena, &news, &why) != OK) {
        LOG(ERROR, "gateway.bad_event", F_TEXT("name", "presence.changed"), F_TEXT("why", why.text));
        watched_doubt_all(presence);
        return;
    }
    if (presence->number > 0 && news.number != presence->number + 1) watched_doubt_all(presence);
    presence->number = news.number;
    for (size_t i = 0; i < news.people.len; i++) {
        struct known_person *person = find_person(presence, news.people.at[i].subject);
        if (person != NULL) take_item(presence, person, &news.people.at[i]);
    }
}

/* --- members --- */

static void clear_members(struct watched_room *room)
{
    for (size_t i = 0; i < room->n; i++) unlink_room(room->members[i].person, room);
    mem_free(room->members);
    room->members = NULL;
    room->n = 0;
}

static uint64_t since_of(const struct watched_room *room, const struct known_person *person)
{
    for (size_t i = 0; i < room->n; i++)
        if (room->members[i].person == person) return room->members[i].since;
    return room->home->news;
}

static bool is_member(const struct watched_member *members, size_t n, const struct known_person *person)
{
    for (size_t i = 0; i < n; i++)
        if (members[i].person == person) return true;
    return false;
}

/* Whoever was told of somebody who is no member any more is told all again. */
static void begin_again_without(struct watched_room *room, const struct watched_member *members, size_t n)
{
    struct room_watch *watch;
    size_t i = 0;

    while (i < room->n && is_member(members, n, room->members[i].person)) i++;
    if (i == room->n) return;
    DL_FOREACH(room->watches, watch) watch->is_begun = false;
}

/* Who stays is linked a second time before the first is undone. */
static void set_members(struct watched_room *room, struct str_list subjects)
{
    struct watched_member *members = mem_alloc((subjects.len + 1) * sizeof *members);

    room->home->news++;
    for (size_t i = 0; i < subjects.len; i++) {
        struct known_person *person = get_person(room->home, subjects.at[i]);
        members[i] = (struct watched_member){ person, since_of(room, person) };
        link_room(person, room);
    }
    begin_again_without(room, members, subjects.len);
    clear_members(room);
    room->members = members;
    room->n = subjects.len;
}

static const struct presence_item *find_item(struct presence_item_list items, const struct known_person *person)
{
    for (size_t i = 0; i < items.len; i++)
        if (str_eq(items.at[i].subject, (struct str){ person->subject, person->len })) return &items.at[i];
    return NULL;
}

static void take_people(struct watched_room *room, struct presence_item_list items)
{
    const struct presence_item away = { .state = STR("offline") };

    for (size_t i = 0; i < room->n; i++) {
        const struct presence_item *item = find_item(items, room->members[i].person);
        take_item(room->home, room->members[i].person, item != NULL ? item : &away);
    }
}

static void take_answer(struct watched_room *room, const struct presence_answer *answer)
{
    struct room_watch *watch;

    if (answer->members > NAMED_MAX && !room->is_large)
        DL_FOREACH(room->watches, watch) watch->is_begun = false; /* nobody is named any more */
    room->is_known = true;
    room->is_large = answer->members > NAMED_MAX;
    room->online = answer->online;
    if (room->is_large) {
        clear_members(room);
    } else {
        set_members(room, answer->subjects);
        take_people(room, answer->people);
    }
    touch_room(room);
    CHECK_STEP(room_check(room));
}

/* --- asking --- */

static void make_due(struct watched_room *room, double after_s)
{
    ev_tstamp at = ev_now(room->home->loop) + after_s;

    if (!room->is_due || at < room->not_before) room->not_before = at;
    if (!room->is_due) {
        room->is_due = true;
        DL_APPEND2(room->home->due_rooms, room, due_prev, due_next);
    }
    presence_wake(room->home);
}

void watched_doubt(struct watched_room *room)
{
    make_due(room, 0);
}

void watched_doubt_all(struct gateway_presence *presence)
{
    struct watched_room *room, *next;

    HASH_ITER(hh, presence->rooms, room, next) watched_doubt(room);
}

static void on_answer(void *arg, enum err e, struct str body)
{
    struct who_question *question = arg;
    struct gateway_presence *presence = question->home;
    struct watched_room *room = question->room;
    struct presence_answer answer = { .number = 0 };
    struct wire_error why;

    presence->questions--;
    presence->asking--;
    if (room != NULL) {
        room->question = NULL;
        if (e == OK) e = wire_decode(presence_answer_shape(), body, presence->arena, &answer, &why);
        if (e == OK || e == ERR_NOT_FOUND) take_answer(room, &answer); /* nobody is in a room that is no more */
        if (e != OK || (!room->is_large && answer.number < presence->number))
            make_due(room, AGAIN_S);
        else if (room->is_large)
            make_due(room, COUNT_S);
    }
    arena_reset(presence->arena);
    mem_free(question);
    presence_wake(presence);
}

static void ask_chat(struct watched_room *room)
{
    struct gateway_presence *presence = room->home;
    struct who_question *question = mem_zero(sizeof *question);
    const struct service_pipes first = { 1, { presence->chat->at[0] } };
    const struct presence_question is = { room->id };

    room->is_due = false;
    DL_DELETE2(presence->due_rooms, room, due_prev, due_next);
    *question = (struct who_question){ presence, room };
    room->question = question;
    presence->asking++;
    presence->questions++;
    method_ask(&first, M_chat_presence_room, &is, on_answer, question);
}

bool watched_ask(struct gateway_presence *presence)
{
    struct watched_room *room, *next;

    DL_FOREACH_SAFE2(presence->due_rooms, room, next, due_next) {
        if (presence->asking >= ASKING_MAX) break;
        if (room->question == NULL && room->not_before <= ev_now(presence->loop)) ask_chat(room);
    }
    return presence->due_rooms != NULL;
}

/* --- rooms --- */

static struct watched_room *find_room(const struct gateway_presence *presence, struct id id)
{
    struct watched_room *room;

    HASH_FIND(hh, presence->rooms, id.b, sizeof id.b, room);
    return room;
}

struct watched_room *watched_get(struct gateway_presence *presence, struct id id)
{
    struct watched_room *room = find_room(presence, id);

    if (room != NULL) return room;
    room = mem_zero(sizeof *room);
    room->home = presence;
    room->id = id;
    HASH_ADD(hh, presence->rooms, id.b, sizeof room->id.b, room);
    watched_doubt(room);
    return room;
}

void watched_drop_if_idle(struct watched_room *room)
{
    struct gateway_presence *presence = room->home;

    if (room->watches != NULL) return;
    if (room->is_touched) DL_DELETE2(presence->touched, room, touched_prev, touched_next);
    if (room->is_due) DL_DELETE2(presence->due_rooms, room, due_prev, due_next);
    if (room->question != NULL) room->question->room = NULL;
    if (room->made.packet != NULL) eio_packet_drop(room->made.packet);
    clear_members(room);
    HASH_DEL(presence->rooms, room);
    mem_free(room);
}

/* Somebody came into a room, or went. */
void watched_take_own(struct gateway_presence *presence, struct str body)
{
    struct own_news news = { .at = 0 };
    struct wire_error why;

    if (presence->rooms == NULL) return;
    if (wire_decode(own_news_shape(), body, presence->arena, &news, &why) != OK) return; /* own says so */
    if (!str_is(news.what, "added") && !str_is(news.what, "removed")) return;
    struct watched_room *room = find_room(presence, news.room);
    if (room != NULL && !room->is_large) watched_doubt(room);
}
