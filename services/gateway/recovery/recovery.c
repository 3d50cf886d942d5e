/* recovery.c - who comes: somebody new, or somebody who was here. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/recovery/recovery.h"

#include <string.h>

#include "libshared/base/secret.h"
#include "services/gateway/recovery/recovery_inside.h"

struct recovery *recovery_create(
    struct ev_loop *loop, struct rpc_client *chat, struct rpc_client *store, const struct recovery_config *config)
{
    const char *name = "madang_recoveries_total", *help = "Clients that came with the pid of a lost connection";

    if (config->recovery_ms == 0 || config->redis_url[0] == '\0') return NULL;
    struct recovery *recovery = mem_zero(sizeof *recovery);
    recovery->loop = loop;
    recovery->chat = chat;
    recovery->store = store;
    recovery->config = *config;
    /* bound: socket_rooms_max seats, and names of as many rooms */
    recovery->scratch = arena_create("recovery", 1u << 20);
    record_key_load(&recovery->key, config->key_dir);
    recovery->redis = redis_create(loop, config->redis_url);
    recovery->recovered = metric_counter(name, "result=\"recovered\"", help);
    recovery->anew = metric_counter(name, "result=\"anew\"", help);
    recovery->again = metric_counter("madang_recovery_questions_again_total", NULL,
        "Questions about clients that come back which a service had no time for, and that were asked again");
    lifelines_open(recovery);
    return recovery;
}

/* Its memory lives as long as somebody is on his way in. */
static void stop(void *object)
{
    struct recovery *recovery = object;

    recovery->ending = true;
    redis_destroy(&recovery->redis); /* who waits for it hears so */
    lifelines_close(recovery);
    arena_destroy(&recovery->scratch);
    comebacks_end(recovery);
}

/* A pid is offered even while Redis is away: the record follows when it is back. */
void recovery_begin(struct recovery *recovery, struct arrival *arrival, struct str offset)
{
    secret_text(recovery->pid, IDENTITY_PID_CHARS);
    recovery->fresh = (struct record){ .epoch = offset_next_epoch(offset) };
    arrival->pid = recovery->pid;
    arrival->record = &recovery->fresh;
}

static bool resume(void *object, struct arrival *arrival)
{
    struct recovery *recovery = object;

    if (!str_is(sio_nsp(arrival->socket), HALLS_NAMESPACE)) return false;
    /* bound: max_payload, of the CONNECT */
    struct arena *arena = arena_create("identity", (4u << 20) + (size_t)recovery->config.max_payload);
    struct identity claims = identity_read(arrival->auth, arena);
    bool is_back = claims.pid.len > 0;
    if (is_back)
        comeback_begin(recovery, arrival, &claims);
    else
        recovery_begin(recovery, arrival, claims.offset);
    arena_destroy(&arena);
    return is_back;
}

static void begin_line(void *object, struct client *client, const struct arrival *arrival)
{
    unsigned char hash[SHELF_HASH_BYTES];

    if (arrival->pid == NULL) return; /* of another namespace */
    shelf_hash(str_of(arrival->pid), hash);
    struct lifeline *line = lifeline_begin(object, client, hash);
    if (arrival->owner == NULL) {
        lifeline_save(line, NULL, NULL);
        return;
    }
    memcpy(line->owner, arrival->owner, sizeof line->owner);
    line->replayed = arrival->record->replayed;
    line->saved = lifeline_changes(line);
}

static void touch_line(void *object, struct client *client)
{
    struct lifeline **line = client_slot(client, FEATURE_recovery);

    (void)object;
    if (*line != NULL) lifeline_touched(*line);
}

static void close_line(void *object, struct client *client, const char *reason)
{
    struct lifeline **line = client_slot(client, FEATURE_recovery);

    (void)object;
    if (*line != NULL) lifeline_closed(*line, reason);
}

const struct client_feature recovery_feature = { .slot_bytes = sizeof(struct lifeline *),
    .resume = resume,
    .open = begin_line,
    .touched = touch_line,
    .closed = close_line,
    .stop = stop };
