/* roster.c - who is in which room, by name. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/interop/roster.h"

#include <assert.h>
#include <string.h>

#include "libshared/base/table.h"

/* One namespace. */
struct place {
    struct str nsp;
    struct member **members;
    size_t n, cap;
    struct name *names;
    struct place *next;
};

/* An open socket, in its client's slot; found by its id, which is a room too. */
struct member {
    struct client *client;
    struct place *place;
    size_t in_place;
    struct ticket **tickets;
    size_t n, cap;
    uint64_t mark; /* serial of the last selection that has settled about it */
    UT_hash_handle hh;
};

/* A room with at least one member. */
struct name {
    struct place *place;
    struct ticket **tickets;
    size_t n, cap;
    UT_hash_handle hh;
    size_t len;
    char text[];
};

/* A member in a room. */
struct ticket {
    struct member *member;
    struct name *name;
    size_t in_member, in_name;
};

struct roster {
    struct halls *halls;
    size_t rooms_max; /* of one socket */
    struct place *places;
    struct member *members;
    struct client **picked;
    size_t n_picked, cap_picked;
    uint64_t serial;
    bool keep; /* what is visited is picked; else it is only marked */
};

static struct place *find_place(const struct roster *roster, struct str nsp)
{
    struct place *place = roster->places;

    while (place != NULL && !str_eq(place->nsp, nsp)) place = place->next;
    return place;
}

static struct place *get_place(struct roster *roster, struct str nsp)
{
    struct place *place = find_place(roster, nsp);

    if (place != NULL) return place;
    place = mem_zero(sizeof *place);
    place->nsp = nsp;
    place->next = roster->places;
    roster->places = place;
    return place;
}

static struct member *find_member(const struct roster *roster, struct str sid)
{
    struct member *member = NULL;

    if (sid.len == EIO_SID_CHARS) HASH_FIND(hh, roster->members, sid.at, sid.len, member);
    return member;
}

static struct name *find_name(const struct place *place, struct str text)
{
    struct name *name = NULL;

    if (text.len > 0) HASH_FIND(hh, place->names, text.at, text.len, name);
    return name;
}

/* --- coming and going --- */

static struct member *member_of(struct client *client)
{
    return client_slot(client, FEATURE_roster);
}

static void add_member(void *object, struct client *client, const struct arrival *arrival)
{
    struct roster *roster = object;
    struct place *place = get_place(roster, sio_nsp(client->socket));
    struct member *member = member_of(client);

    (void)arrival;
    member->client = client;
    member->place = place;
    member->in_place = place->n;
    place->members = mem_one_more(place->members, place->n, &place->cap, sizeof *place->members);
    place->members[place->n++] = member;
    HASH_ADD_KEYPTR(hh, roster->members, sio_sid(client->socket), EIO_SID_CHARS, member);
}

static struct name *get_name(struct place *place, struct str text)
{
    struct name *name = find_name(place, text);

    if (name != NULL) return name;
    name = mem_zero(sizeof *name + text.len);
    name->place = place;
    name->len = text.len;
    memcpy(name->text, text.at, text.len);
    HASH_ADD_KEYPTR(hh, place->names, name->text, name->len, name);
    return name;
}

static void drop_ticket(struct ticket *ticket)
{
    struct member *member = ticket->member;
    struct name *name = ticket->name;

    member->tickets[ticket->in_member] = member->tickets[--member->n];
    member->tickets[ticket->in_member]->in_member = ticket->in_member;
    name->tickets[ticket->in_name] = name->tickets[--name->n];
    name->tickets[ticket->in_name]->in_name = ticket->in_name;
    mem_free(ticket);
    if (name->n > 0) return;
    HASH_DEL(name->place->names, name);
    mem_free(name->tickets);
    mem_free(name);
}

static void remove_member(void *object, struct client *client, const char *reason)
{
    struct roster *roster = object;
    struct member *member = member_of(client);
    struct place *place = member->place;

    (void)reason;
    while (member->n > 0) drop_ticket(member->tickets[member->n - 1]);
    place->members[member->in_place] = place->members[--place->n];
    place->members[member->in_place]->in_place = member->in_place;
    HASH_DEL(roster->members, member);
    mem_free(member->tickets);
}

static struct str room_of(const struct ticket *ticket)
{
    return (struct str){ ticket->name->text, ticket->name->len };
}

static struct ticket *find_ticket(const struct member *member, struct str room)
{
    for (size_t i = 0; i < member->n; i++)
        if (str_eq(room_of(member->tickets[i]), room)) return member->tickets[i];
    return NULL;
}

static bool join(const struct roster *roster, struct member *member, struct str room)
{
    if (room.len == 0 || room.len > ROSTER_NAME_MAX || find_ticket(member, room) != NULL ||
        member->n >= roster->rooms_max)
        return false;
    struct name *name = get_name(member->place, room);
    struct ticket *ticket = mem_alloc(sizeof *ticket);
    *ticket = (struct ticket){ member, name, member->n, name->n };
    member->tickets = mem_one_more(member->tickets, member->n, &member->cap, sizeof *member->tickets);
    member->tickets[member->n++] = ticket;
    name->tickets = mem_one_more(name->tickets, name->n, &name->cap, sizeof *name->tickets);
    name->tickets[name->n++] = ticket;
    return true;
}

static bool leave(const struct roster *roster, struct member *member, struct str room)
{
    (void)roster;
    struct ticket *ticket = find_ticket(member, room);

    if (ticket != NULL) drop_ticket(ticket);
    return ticket != NULL;
}

static void rearrange(const struct roster *roster, struct client *client,
    bool (*change)(const struct roster *roster, struct member *member, struct str room), const struct str *rooms,
    size_t n)
{
    bool changed = false;

    for (size_t i = 0; i < n; i++) changed |= change(roster, member_of(client), rooms[i]);
    if (changed) client_touch(client);
}

void roster_join(struct roster *roster, struct client *client, const struct str *rooms, size_t n)
{
    rearrange(roster, client, join, rooms, n);
}

void roster_leave(struct roster *roster, struct client *client, const struct str *rooms, size_t n)
{
    rearrange(roster, client, leave, rooms, n);
}

static void restore_names(void *object, struct client *client, const struct record *record)
{
    for (size_t i = 0; i < record->n_names; i++) join(object, member_of(client), record->names[i]);
}

static void save_names(void *object, struct client *client, struct arena *arena, struct record *out)
{
    const struct member *member = member_of(client);
    struct str *names = arena_alloc(arena, (member->n + 1) * sizeof *names);

    (void)object;
    for (size_t i = 0; i < member->n; i++) names[i] = room_of(member->tickets[i]);
    out->names = names;
    out->n_names = member->n;
}

/* --- choosing --- */

static void visit(struct roster *roster, struct member *member)
{
    if (member->mark == roster->serial) return;
    member->mark = roster->serial;
    if (!roster->keep) return;
    if (roster->n_picked == roster->cap_picked)
        roster->picked = mem_one_more(roster->picked, roster->n_picked, &roster->cap_picked, sizeof *roster->picked);
    roster->picked[roster->n_picked++] = member->client;
}

struct tour {
    struct roster *roster;
    const struct place *place;
};

static void visit_guest(void *arg, struct sio_socket *socket)
{
    const struct tour *tour = arg;
    struct member *member = member_of(sio_user(socket));

    if (member->place == tour->place) visit(tour->roster, member);
}

static void visit_room(struct roster *roster, const struct place *place, struct str room)
{
    struct tour tour = { roster, place };
    struct member *one = find_member(roster, room);
    struct name *name = find_name(place, room);
    struct id id;

    if (one != NULL && one->place == place) visit(roster, one);
    for (size_t i = 0; name != NULL && i < name->n; i++) visit(roster, name->tickets[i]->member);
    if (roster->halls != NULL && id_parse(room, &id)) halls_each_socket(roster->halls, id, visit_guest, &tour);
}

bool roster_is_anyone_in(const struct roster *roster, struct str nsp, struct str room)
{
    const struct place *place = find_place(roster, nsp);
    struct id id;

    if (place == NULL) return false;
    return find_member(roster, room) != NULL || find_name(place, room) != NULL || id_parse(room, &id);
}

size_t roster_select(struct roster *roster, const struct selection *who, struct client *const **out)
{
    struct place *place = find_place(roster, who->nsp);

    *out = roster->picked;
    roster->n_picked = 0;
    roster->serial++;
    if (place == NULL) return 0;
    roster->keep = false;
    for (size_t i = 0; i < who->n_except; i++) visit_room(roster, place, who->except[i]);
    roster->keep = true;
    for (size_t i = 0; i < who->n_rooms; i++) visit_room(roster, place, who->rooms[i]);
    for (size_t i = 0; who->n_rooms == 0 && i < place->n; i++) visit(roster, place->members[i]);
    *out = roster->picked;
    return roster->n_picked;
}

size_t roster_count(const struct roster *roster, struct str nsp)
{
    const struct place *place = find_place(roster, nsp);

    return place != NULL ? place->n : 0;
}

/* --- its life --- */

struct roster *roster_create(struct halls *halls, size_t rooms_max)
{
    struct roster *roster = mem_zero(sizeof *roster);

    roster->halls = halls;
    roster->rooms_max = rooms_max;
    return roster;
}

static void destroy(void *object)
{
    struct roster *roster = object;
    struct place *next;

    assert(roster->members == NULL);
    for (struct place *place = roster->places; place != NULL; place = next) {
        next = place->next;
        mem_free(place->members);
        mem_free(place);
    }
    mem_free(roster->picked);
    mem_free(roster);
}

const struct client_feature roster_feature = { .slot_bytes = sizeof(struct member),
    .open = add_member,
    .restore = restore_names,
    .save = save_names,
    .closed = remove_member,
    .destroy = destroy };
