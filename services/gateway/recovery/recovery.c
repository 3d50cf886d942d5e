/* recovery.c - a client that comes is new, or has lost a connection that is taken up again. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/recovery/recovery.h"

#include <string.h>

#include "libshared/base/secret.h"
#include "libshared/wire/event_names.h"
#include "services/gateway/recovery/recovery_private.h"

struct recovery *recovery_create(struct ev_loop *loop, struct rooms *rooms, const struct service_pipes *chat,
    const struct service_pipes *store, const struct recovery_config *config)
{
    const char *name = "madang_recoveries_total", *help = "Clients that came with the pid of a lost connection";

    if (config->recovery_ms == 0 || config->redis_url[0] == '\0') return NULL;
    struct recovery *recovery = mem_zero(sizeof *recovery);
    recovery->loop = loop;
    recovery->rooms = rooms;
    recovery->chat = chat;
    recovery->store = store;
    recovery->config = *config;
    /* bound: socket_rooms_max subscriptions, and names of as many rooms */
    recovery->scratch = arena_create("recovery", 1u << 20);
    record_key_load(&recovery->key, config->key_dir);
    recovery->redis = redis_create(loop, config->redis_url);
    recovery->recovered = metric_counter(name, "result=\"recovered\"", help);
    recovery->anew = metric_counter(name, "result=\"anew\"", help);
    recovery->again = metric_counter("madang_recovery_questions_again_total", NULL,
        "Questions about clients that come back which a service had no time for, and that were asked again");
    saved_connections_open(recovery);
    return recovery;
}

/* Its memory lives as long as a client is on its way in. */
static void stop_recovery(void *object)
{
    struct recovery *recovery = object;

    recovery->ending = true;
    redis_destroy(&recovery->redis); /* those that wait for an answer of it are called */
    saved_connections_close(recovery);
    arena_destroy(&recovery->scratch);
    resumes_end(recovery);
}

/* A pid is offered even while Redis is away: the record follows when it is back. */
void recovery_begin(struct recovery *recovery, struct arrival *arrival, struct str offset)
{
    secret_text(recovery->pid, RESUME_PID_CHARS);
    recovery->fresh = (struct record){ .epoch = offset_next_epoch(offset) };
    arrival->pid = recovery->pid;
    arrival->record = &recovery->fresh;
}

static bool try_to_resume(void *object, struct arrival *arrival)
{
    struct recovery *recovery = object;

    if (!str_eq(sio_nsp(arrival->socket), rooms_namespace())) return false;
    /* bound: max_payload, of the CONNECT */
    struct arena *arena = arena_create("resume_claim", (4u << 20) + (size_t)recovery->config.max_payload);
    struct resume_claim claims = resume_claim_read(arrival->auth, arena);
    bool is_back = claims.pid.len > 0;
    if (is_back)
        resume_begin(recovery, arrival, &claims);
    else
        recovery_begin(recovery, arrival, claims.offset);
    arena_destroy(&arena);
    return is_back;
}

static void begin_line(void *object, struct client *client, const struct arrival *arrival)
{
    unsigned char hash[RECORD_HASH_BYTES];

    if (arrival->pid == NULL) return; /* of another namespace */
    recovery_records_hash(str_of(arrival->pid), hash);
    struct saved_connection *connection = saved_connection_begin(object, client, hash);
    if (arrival->owner == NULL) {
        saved_connection_save(connection, NULL, NULL);
        return;
    }
    memcpy(connection->owner, arrival->owner, sizeof connection->owner);
    connection->replayed = arrival->record->replayed;
    connection->saved = saved_connection_changes(connection);
}

static void touch_line(void *object, struct client *client)
{
    struct saved_connection **connection = client_slot(client, FEATURE_recovery);

    (void)object;
    if (*connection != NULL) saved_connection_touched(*connection);
}

static void close_line(void *object, struct client *client, const char *reason)
{
    struct saved_connection **connection = client_slot(client, FEATURE_recovery);

    (void)object;
    if (*connection != NULL) saved_connection_closed(*connection, reason);
}

const struct client_feature recovery_feature = { .slot_bytes = sizeof(struct saved_connection *),
    .resume = try_to_resume,
    .open = begin_line,
    .touched = touch_line,
    .closed = close_line,
    .stop = stop_recovery };
