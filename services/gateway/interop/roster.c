/* roster.c - who is in which room, by name. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/interop/roster.h"

#include <assert.h>
#include <string.h>

#include "libshared/base/invariant.h"
#include "libshared/base/log.h"
#include "libshared/base/table.h"

/* One namespace. */
struct roster_namespace {
    struct str nsp;
    struct roster_socket **sockets;
    size_t n, cap;
    struct roster_room *rooms_by_name;
    struct roster_namespace *next;
};

/* An open socket, in its client's slot; found by its id, which is a room too. */
struct roster_socket {
    struct client *client;
    struct roster_namespace *namespace;
    size_t in_namespace;
    struct roster_membership **memberships;
    size_t n, cap;
    uint64_t mark; /* serial of the last selection that has settled about it */
    UT_hash_handle hh;
};

/* A room with at least one member. */
struct roster_room {
    struct roster_namespace *namespace;
    struct roster_membership **memberships;
    size_t n, cap;
    UT_hash_handle hh;
    size_t len;
    char text[];
};

/* A member in a room. */
struct roster_membership {
    struct roster_socket *entry;
    struct roster_room *named;
    size_t in_socket, in_room;
};

/* What a room costs its member, as if it were alone in it: the first chunks of its lists, and places in three tables. */
#define MEMBERSHIP_BYTES (sizeof(struct roster_membership) + sizeof(struct roster_room) + 256)

struct roster {
    struct rooms *rooms;
    size_t rooms_max; /* of one socket */
    struct roster_namespace *namespaces;
    struct roster_socket *sockets;
    struct client **picked;
    size_t n_picked, cap_picked;
    uint64_t serial;
    size_t steps; /* since all sockets were looked at */
    bool keep;    /* what is visited is picked; else it is only marked */
};

static struct roster_namespace *find_namespace(const struct roster *roster, struct str nsp)
{
    struct roster_namespace *namespace = roster->namespaces;

    while (namespace != NULL && !str_eq(namespace->nsp, nsp)) namespace = namespace->next;
    return namespace;
}

static struct roster_namespace *get_namespace(struct roster *roster, struct str nsp)
{
    struct roster_namespace *namespace = find_namespace(roster, nsp);

    if (namespace != NULL) return namespace;
    namespace = mem_zero(sizeof *namespace);
    namespace->nsp = nsp;
    namespace->next = roster->namespaces;
    roster->namespaces = namespace;
    return namespace;
}

static struct roster_socket *find_socket(const struct roster *roster, struct str sid)
{
    struct roster_socket *entry = NULL;

    if (sid.len == EIO_SID_CHARS) HASH_FIND(hh, roster->sockets, sid.at, sid.len, entry);
    return entry;
}

static struct roster_room *find_room(const struct roster_namespace *namespace, struct str text)
{
    struct roster_room *named = NULL;

    if (text.len > 0) HASH_FIND(hh, namespace->rooms_by_name, text.at, text.len, named);
    return named;
}

/* A socket is found where it says that it is, and so are its memberships; each in another room. */
static void socket_check(const struct roster *roster, const struct roster_socket *entry)
{
    assert(entry->namespace->sockets[entry->in_namespace] == entry);
    assert(entry->n <= entry->cap && entry->n <= roster->rooms_max);
    for (size_t i = 0; i < entry->n; i++) {
        const struct roster_membership *membership = entry->memberships[i];
        const struct roster_room *named = membership->named;
        assert(membership->entry == entry && membership->in_socket == i);
        assert(membership->in_room < named->n && named->memberships[membership->in_room] == membership);
        assert(named->namespace == entry->namespace);
    }
}

static void roster_check(struct roster *roster)
{
    size_t n = 0;

    if (!walk_is_due(&roster->steps, HASH_COUNT(roster->sockets))) return;
    for (const struct roster_socket *entry = roster->sockets; entry != NULL; entry = entry->hh.next)
        socket_check(roster, entry);
    for (const struct roster_namespace *namespace = roster->namespaces; namespace != NULL;
         namespace = namespace->next) {
        n += namespace->n;
        for (const struct roster_room *named = namespace->rooms_by_name; named != NULL; named = named->hh.next)
            assert(named->n > 0 && named->n <= named->cap);
    }
    assert(n == HASH_COUNT(roster->sockets));
}

/* --- coming and going --- */

static struct roster_socket *socket_of(struct client *client)
{
    return client_slot(client, FEATURE_roster);
}

static void add_socket(void *object, struct client *client, const struct arrival *arrival)
{
    struct roster *roster = object;
    struct roster_namespace *namespace = get_namespace(roster, sio_nsp(client->socket));
    struct roster_socket *entry = socket_of(client);

    (void)arrival;
    entry->client = client;
    entry->namespace = namespace;
    entry->in_namespace = namespace->n;
    namespace->sockets = mem_one_more(namespace->sockets, namespace->n, &namespace->cap, sizeof *namespace->sockets);
    namespace->sockets[namespace->n++] = entry;
    HASH_ADD_KEYPTR(hh, roster->sockets, sio_sid(client->socket), EIO_SID_CHARS, entry);
    CHECK_STEP(socket_check(roster, entry); roster_check(roster));
}

static struct roster_room *get_room(struct roster_namespace *namespace, struct str text)
{
    struct roster_room *named = find_room(namespace, text);

    if (named != NULL) return named;
    named = mem_zero(sizeof *named + text.len);
    named->namespace = namespace;
    named->len = text.len;
    memcpy(named->text, text.at, text.len);
    HASH_ADD_KEYPTR(hh, namespace->rooms_by_name, named->text, named->len, named);
    return named;
}

static void drop_membership(struct roster_membership *membership)
{
    struct roster_socket *entry = membership->entry;
    struct roster_room *named = membership->named;

    sio_release(entry->client->socket, MEMBERSHIP_BYTES + named->len);
    entry->memberships[membership->in_socket] = entry->memberships[--entry->n];
    entry->memberships[membership->in_socket]->in_socket = membership->in_socket;
    named->memberships[membership->in_room] = named->memberships[--named->n];
    named->memberships[membership->in_room]->in_room = membership->in_room;
    mem_free(membership);
    if (named->n > 0) return;
    HASH_DEL(named->namespace->rooms_by_name, named);
    mem_free(named->memberships);
    mem_free(named);
}

static void remove_socket(void *object, struct client *client, const char *reason)
{
    struct roster *roster = object;
    struct roster_socket *entry = socket_of(client);
    struct roster_namespace *namespace = entry->namespace;

    (void)reason;
    while (entry->n > 0) drop_membership(entry->memberships[entry->n - 1]);
    namespace->sockets[entry->in_namespace] = namespace->sockets[--namespace->n];
    namespace->sockets[entry->in_namespace]->in_namespace = entry->in_namespace;
    HASH_DEL(roster->sockets, entry);
    mem_free(entry->memberships);
    CHECK_STEP(roster_check(roster));
}

static struct str room_of(const struct roster_membership *membership)
{
    return (struct str){ membership->named->text, membership->named->len };
}

static struct roster_membership *find_membership(const struct roster_socket *entry, struct str room)
{
    for (size_t i = 0; i < entry->n; i++)
        if (str_eq(room_of(entry->memberships[i]), room)) return entry->memberships[i];
    return NULL;
}

static bool may_join(const struct roster *roster, const struct roster_socket *entry, struct str room)
{
    return room.len > 0 && room.len <= ROSTER_NAME_MAX && find_membership(entry, room) == NULL &&
           entry->n < roster->rooms_max;
}

/* What it costs is counted. */
static void add_membership(struct roster_socket *entry, struct str room)
{
    struct roster_room *named = get_room(entry->namespace, room);
    struct roster_membership *membership = mem_alloc(sizeof *membership);
    *membership = (struct roster_membership){ entry, named, entry->n, named->n };
    entry->memberships = mem_one_more(entry->memberships, entry->n, &entry->cap, sizeof *entry->memberships);
    entry->memberships[entry->n++] = membership;
    named->memberships = mem_one_more(named->memberships, named->n, &named->cap, sizeof *named->memberships);
    named->memberships[named->n++] = membership;
}

static bool join_room(const struct roster *roster, struct roster_socket *entry, struct str room)
{
    if (!may_join(roster, entry, room)) return false;
    if (sio_hold(entry->client->socket, MEMBERSHIP_BYTES + room.len) != OK) {
        LOG_BOUNDED(WARN, "gateway.room_too_much", F_TEXT("socket", sio_sid(entry->client->socket)));
        return false;
    }
    add_membership(entry, room);
    return true;
}

static bool leave_room(const struct roster *roster, struct roster_socket *entry, struct str room)
{
    (void)roster;
    struct roster_membership *membership = find_membership(entry, room);

    if (membership != NULL) drop_membership(membership);
    return membership != NULL;
}

static void change_rooms(struct roster *roster, struct client *client,
    bool (*change)(const struct roster *roster, struct roster_socket *entry, struct str room), const struct str *rooms,
    size_t n)
{
    bool changed = false;

    for (size_t i = 0; i < n; i++) changed |= change(roster, socket_of(client), rooms[i]);
    if (changed) client_touch(client);
    CHECK_STEP(socket_check(roster, socket_of(client)); roster_check(roster));
}

void roster_join(struct roster *roster, struct client *client, const struct str *rooms, size_t n)
{
    change_rooms(roster, client, join_room, rooms, n);
}

void roster_leave(struct roster *roster, struct client *client, const struct str *rooms, size_t n)
{
    change_rooms(roster, client, leave_room, rooms, n);
}

static void restore_names(void *object, struct client *client, const struct record *record)
{
    struct roster_socket *entry = socket_of(client);

    for (size_t i = 0; i < record->n_names; i++) {
        if (!may_join(object, entry, record->names[i])) continue;
        sio_hold_anyway(client->socket, MEMBERSHIP_BYTES + record->names[i].len);
        add_membership(entry, record->names[i]);
    }
    CHECK_STEP(roster_check(object));
}

static void save_names(void *object, struct client *client, struct arena *arena, struct record *out)
{
    const struct roster_socket *entry = socket_of(client);
    struct str *names = arena_alloc(arena, (entry->n + 1) * sizeof *names);

    (void)object;
    for (size_t i = 0; i < entry->n; i++) names[i] = room_of(entry->memberships[i]);
    out->names = names;
    out->n_names = entry->n;
}

/* --- choosing --- */

static void pick_socket(struct roster *roster, struct roster_socket *entry)
{
    if (entry->mark == roster->serial) return;
    entry->mark = roster->serial;
    if (!roster->keep) return;
    if (roster->n_picked == roster->cap_picked)
        roster->picked = mem_one_more(roster->picked, roster->n_picked, &roster->cap_picked, sizeof *roster->picked);
    roster->picked[roster->n_picked++] = entry->client;
}

struct tour {
    struct roster *roster;
    const struct roster_namespace *namespace;
};

static void visit_subscriber(void *arg, struct sio_socket *socket)
{
    const struct tour *tour = arg;
    struct roster_socket *entry = socket_of(sio_user(socket));

    if (entry->namespace == tour->namespace) pick_socket(tour->roster, entry);
}

static void visit_room(struct roster *roster, const struct roster_namespace *namespace, struct str room)
{
    struct tour tour = { roster, namespace };
    struct roster_socket *one = find_socket(roster, room);
    struct roster_room *named = find_room(namespace, room);
    struct id id;

    if (one != NULL && one->namespace == namespace) pick_socket(roster, one);
    for (size_t i = 0; named != NULL && i < named->n; i++) pick_socket(roster, named->memberships[i]->entry);
    if (roster->rooms != NULL && id_parse(room, &id)) rooms_each_socket(roster->rooms, id, visit_subscriber, &tour);
}

bool roster_is_anyone_in(const struct roster *roster, struct str nsp, struct str room)
{
    const struct roster_namespace *namespace = find_namespace(roster, nsp);
    struct id id;

    if (namespace == NULL) return false;
    return find_socket(roster, room) != NULL || find_room(namespace, room) != NULL || id_parse(room, &id);
}

size_t roster_select(struct roster *roster, const struct selection *who, struct client *const **out)
{
    struct roster_namespace *namespace = find_namespace(roster, who->nsp);

    *out = roster->picked;
    roster->n_picked = 0;
    roster->serial++;
    if (namespace == NULL) return 0;
    roster->keep = false;
    for (size_t i = 0; i < who->n_except; i++) visit_room(roster, namespace, who->except[i]);
    roster->keep = true;
    for (size_t i = 0; i < who->n_rooms; i++) visit_room(roster, namespace, who->rooms[i]);
    for (size_t i = 0; who->n_rooms == 0 && i < namespace->n; i++) pick_socket(roster, namespace->sockets[i]);
    *out = roster->picked;
    return roster->n_picked;
}

size_t roster_count(const struct roster *roster, struct str nsp)
{
    const struct roster_namespace *namespace = find_namespace(roster, nsp);

    return namespace != NULL ? namespace->n : 0;
}

/* --- its life --- */

struct roster *roster_create(struct rooms *rooms, size_t rooms_max)
{
    struct roster *roster = mem_zero(sizeof *roster);

    roster->rooms = rooms;
    roster->rooms_max = rooms_max;
    return roster;
}

static void destroy_roster(void *object)
{
    struct roster *roster = object;
    struct roster_namespace *next;

    assert(roster->sockets == NULL);
    for (struct roster_namespace *namespace = roster->namespaces; namespace != NULL; namespace = next) {
        next = namespace->next;
        mem_free(namespace->sockets);
        mem_free(namespace);
    }
    mem_free(roster->picked);
    mem_free(roster);
}

const struct client_feature roster_feature = { .slot_bytes = sizeof(struct roster_socket),
    .open = add_socket,
    .restore = restore_names,
    .save = save_names,
    .closed = remove_socket,
    .destroy = destroy_roster };
