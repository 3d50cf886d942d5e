/* rerun.c - the echo that is taken up again, as a feature of its sockets. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/recovery/rerun.h"

#include "services/gateway/recovery/rerun_private.h"

static void on_announced(void *arg, const unsigned char *hash, struct str owner)
{
    rerun_supersede(arg, hash, owner);
}

struct reruns *reruns_create(struct ev_loop *loop, const struct recovery_config *config)
{
    if (config->recovery_ms == 0 || config->redis_url[0] == '\0') return NULL;
    struct reruns *reruns = mem_zero(sizeof *reruns);
    reruns->loop = loop;
    reruns->config = *config;
    /* bound: names of socket_rooms_max rooms */
    reruns->scratch = arena_create("rerun.save", 1u << 20);
    record_key_load(&reruns->key, config->key_dir);
    reruns->redis = redis_create(loop, config->redis_url);
    reruns->listener = (struct record_listener){ on_announced, reruns };
    recovery_records_listen(reruns->redis, &reruns->listener);
    return reruns;
}

/* Its sockets are closed, and with them all of it that could be asked for. */
static void stop_reruns(void *object)
{
    struct reruns *reruns = object;

    redis_destroy(&reruns->redis);
    arena_destroy(&reruns->scratch);
    mem_free(reruns);
}

static bool try_to_resume(void *object, struct arrival *arrival)
{
    rerun_enter(object, arrival);
    return true;
}

static void begin_rerun(void *object, struct client *client, const struct arrival *arrival)
{
    rerun_begin(object, client, arrival);
}

static void touch_rerun(void *object, struct client *client)
{
    (void)object;
    rerun_touched(client);
}

static void close_rerun(void *object, struct client *client, const char *reason)
{
    (void)object;
    rerun_closed(client, reason);
}

const struct client_feature rerun_feature = { .slot_bytes = sizeof(struct rerun *),
    .resume = try_to_resume,
    .open = begin_rerun,
    .touched = touch_rerun,
    .closed = close_rerun,
    .stop = stop_reruns };
