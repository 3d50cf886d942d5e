/* system.c - what is new is said, to whom it may concern, a slice of the sockets at a time. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/system/system.h"

#include <utlist.h>

#include "libshared/base/before_sleep.h"
#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/base/table.h"
#include "services/gateway/features.h"
#include "services/gateway/identity/trusted.h"

#define NAMESPACE   "/system"
#define SOCKETS_MAX 1000 /* in one turn of the loop */
#define SAID_MAX    64   /* that some have not heard yet */

/* In each client's memory; in the list if it is in /system. */
struct system_listener {
    struct client *client;
    uint64_t n_heard; /* so many of those that were ever said */
    struct system_listener *prev, *next;
};

struct said {
    struct eio_packet *packet;
    bool to_admins;
};

struct told_announcement {
    struct id id;
    bool is_alert;
    int64_t version, until;
    UT_hash_handle hh;
};

struct system {
    const struct trusted *trusted;
    struct system_listener *listeners; /* who has heard least stands first */
    struct said said[SAID_MAX];
    uint64_t n_said;
    struct told_announcement *told;
    struct before_sleep pump;
};

/* --- saying --- */

static bool may_hear(const struct client *client, const struct said *said)
{
    return !said->to_admins || rights_allow(&client->rights, STR("/admin"), STR("alert:list"), STR_NONE, POLICY_ADMIN);
}

static void tell_listener(const struct system *system, struct system_listener *listener)
{
    uint64_t least = system->n_said > SAID_MAX ? system->n_said - SAID_MAX : 0;

    if (listener->n_heard < least) listener->n_heard = least;
    while (listener->n_heard < system->n_said) {
        const struct said *said = &system->said[listener->n_heard++ % SAID_MAX];
        if (may_hear(listener->client, said)) sio_send(listener->client->socket, said->packet);
    }
}

static bool tell_some(void *arg)
{
    struct system *system = arg;

    for (int n = 0; n < SOCKETS_MAX; n++) {
        struct system_listener *listener = system->listeners;
        if (listener == NULL || listener->n_heard == system->n_said) return false;
        DL_DELETE(system->listeners, listener);
        DL_APPEND(system->listeners, listener);
        tell_listener(system, listener);
    }
    return true;
}

static void say_event(struct system *system, const char *event, struct str json, bool to_admins)
{
    struct said *said = &system->said[system->n_said % SAID_MAX];
    struct buf args = BUF(json.len + 100);

    if (said->packet != NULL) eio_packet_drop(said->packet);
    buf_printf(&args, "[\"%s\",%.*s]", event, STR_ARG(json));
    *said = (struct said){ sio_packet_make(SIO_EVENT, STR(NAMESPACE), -1, 0, buf_str(&args)), to_admins };
    buf_free(&args);
    system->n_said++;
    before_sleep_wake(&system->pump);
}

/* --- what is new --- */

static struct told_announcement *find_told(const struct system *system, struct id id)
{
    struct told_announcement *told;

    HASH_FIND(hh, system->told, id.b, sizeof id.b, told);
    return told;
}

static void say_if_new(void *arg, const struct announcement *is)
{
    struct system *system = arg;
    struct told_announcement *told = find_told(system, is->id);

    if (told != NULL && told->version == is->version) return;
    if (told == NULL) {
        told = mem_zero(sizeof *told);
        *told = (struct told_announcement){ .id = is->id, .is_alert = is->is_alert };
        HASH_ADD(hh, system->told, id.b, sizeof told->id.b, told);
    }
    told->version = is->version;
    told->until = is->until;
    say_event(system, is->is_alert ? "alert" : "notice", is->json, is->is_alert);
}

/* A client that was told of it knows when it ends by itself. */
static void forget_told(struct system *system, struct told_announcement *told)
{
    struct buf json = BUF(100);
    char id[ID_TEXT_BYTES + 1];

    if (!told->is_alert && told->until > clock_ms()) {
        id_format(told->id, id);
        buf_printf(&json, "{\"notice\":\"%s\"}", id);
        say_event(system, "notice:end", buf_str(&json), false);
        buf_free(&json);
    }
    HASH_DEL(system->told, told);
    mem_free(told);
}

void system_obey(struct system *system)
{
    const struct announcements *all = trusted_announcements(system->trusted);
    struct told_announcement *told, *next;

    announcements_each(all, say_if_new, system);
    HASH_ITER(hh, system->told, told, next)
        if (announcements_find(all, told->id) == NULL) forget_told(system, told);
}

/* --- sockets --- */

struct arriving {
    struct client *client;
    int64_t now;
};

static void tell_arriving(void *arg, const struct announcement *is)
{
    const struct arriving *arriving = arg;

    if (!is->is_alert && is->until > arriving->now) sio_emit(arriving->client->socket, "notice", is->json);
}

static struct system_listener *listener_of(struct client *client)
{
    return client_slot(client, FEATURE_system);
}

static void begin_listening(void *object, struct client *client, const struct arrival *arrival)
{
    struct system *system = object;
    struct arriving arriving = { client, clock_ms() };
    struct system_listener *listener = listener_of(client);

    (void)arrival;
    if (!str_is(sio_nsp(client->socket), NAMESPACE)) return;
    *listener = (struct system_listener){ .client = client, .n_heard = system->n_said };
    DL_APPEND(system->listeners, listener);
    announcements_each(trusted_announcements(system->trusted), tell_arriving, &arriving);
}

static void end_listening(void *object, struct client *client, const char *reason)
{
    struct system *system = object;
    struct system_listener *listener = listener_of(client);

    (void)reason;
    if (listener->client == NULL) return;
    DL_DELETE(system->listeners, listener);
    listener->client = NULL;
}

/* --- its life --- */

struct system *system_create(struct ev_loop *loop, const struct trusted *trusted)
{
    struct system *system = mem_zero(sizeof *system);

    system->trusted = trusted;
    before_sleep_begin(&system->pump, loop, "system.tell", tell_some, system);
    return system;
}

static void destroy_system(void *object)
{
    struct system *system = object;
    struct told_announcement *told, *next;

    before_sleep_end(&system->pump);
    HASH_ITER(hh, system->told, told, next) {
        HASH_DEL(system->told, told);
        mem_free(told);
    }
    for (size_t i = 0; i < SAID_MAX; i++)
        if (system->said[i].packet != NULL) eio_packet_drop(system->said[i].packet);
    mem_free(system);
}

const struct client_feature system_feature = { .slot_bytes = sizeof(struct system_listener),
    .open = begin_listening,
    .closed = end_listening,
    .destroy = destroy_system };
