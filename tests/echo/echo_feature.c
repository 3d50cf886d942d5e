/* echo_feature.c - the log of an echo socket, as a feature of it. */
// SPDX-License-Identifier: Apache-2.0

#include "tests/echo/echo_private.h"

static void on_announced(void *arg, const unsigned char *hash, struct str owner)
{
    echo_sockets_supersede(arg, hash, owner);
}

struct echo_logs *echo_logs_create(struct ev_loop *loop, const struct recovery_config *config)
{
    if (config->recovery_ms == 0 || config->redis_url[0] == '\0') return NULL;
    struct echo_logs *logs = mem_zero(sizeof *logs);
    logs->loop = loop;
    logs->config = *config;
    /* bound: names of socket_rooms_max rooms */
    logs->scratch = arena_create("echo.save", 1u << 20);
    record_key_load(&logs->key, config->key_dir);
    logs->redis = redis_create(loop, config->redis_url);
    logs->listener = (struct record_listener){ on_announced, logs };
    recovery_records_listen(logs->redis, &logs->listener);
    return logs;
}

/* Its sockets are closed, and with them all of it that could be asked for. */
static void stop_logs(void *object)
{
    struct echo_logs *logs = object;

    redis_destroy(&logs->redis);
    arena_destroy(&logs->scratch);
    mem_free(logs);
}

static bool try_to_resume(void *object, struct arrival *arrival)
{
    echo_resume(object, arrival);
    return true;
}

static void begin_socket(void *object, struct client *client, const struct arrival *arrival)
{
    echo_socket_begin(object, client, arrival);
}

static void touch_socket(void *object, struct client *client)
{
    (void)object;
    echo_socket_touched(client);
}

static void close_socket(void *object, struct client *client, const char *reason)
{
    (void)object;
    echo_socket_closed(client, reason);
}

const struct client_feature echo_log_feature = { .slot_bytes = sizeof(struct echo_socket *),
    .resume = try_to_resume,
    .open = begin_socket,
    .touched = touch_socket,
    .closed = close_socket,
    .stop = stop_logs };
