/* rerun.c - the echo that is taken up again, as a namespace and as what clients meet. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/recovery/rerun.h"

#include "libshared/service/settings.h"
#include "services/gateway/recovery/rerun_inside.h"
#include "services/gateway/socketio/echo.h"

/* --- for anybody --- */

static void on_connect(void *arg, struct sio_socket *socket, struct str auth)
{
    rerun_enter(&(struct caller){ .home = arg, .socket = socket, .auth = auth });
}

static void on_disconnected(void *arg, struct sio_socket *socket, const char *reason)
{
    (void)arg;
    rerun_closed(socket, reason);
}

struct sio_namespace rerun_namespace(struct reruns *reruns, const char *name)
{
    return (struct sio_namespace){
        .name = name, .arg = reruns, .connect = on_connect, .event = echo_event, .disconnected = on_disconnected
    };
}

/* --- with a token --- */

static bool on_entering(
    void *arg, struct clients *clients, struct sio_socket *socket, struct rights *rights, struct str auth)
{
    rerun_enter(&(struct caller){ arg, socket, clients, *rights, auth });
    return true;
}

static void on_opened(void *arg, struct client *client, struct str auth)
{
    (void)arg, (void)client, (void)auth;
}

static void on_event(void *arg, struct client *client, const struct sio_event *event)
{
    echo_event(arg, client->socket, event);
}

static void nothing_to_do(void *arg, struct client *client)
{
    (void)arg, (void)client;
}

static void on_closed(void *arg, struct client *client, const char *reason)
{
    (void)arg;
    rerun_closed(client->socket, reason);
}

struct clients_upper rerun_clients(struct reruns *reruns)
{
    return (struct clients_upper){ .arg = reruns,
        .entering = on_entering,
        .opened = on_opened,
        .event = on_event,
        .drained = nothing_to_do,
        .changed = nothing_to_do,
        .closed = on_closed };
}

/* --- all of them --- */

static void on_announced(void *arg, const unsigned char *hash, struct str owner)
{
    rerun_supersede(arg, hash, owner);
}

struct reruns *reruns_create(struct ev_loop *loop)
{
    if (settings.gateway.recovery_ms == 0 || settings.common.redis_url[0] == '\0') return NULL;
    struct reruns *reruns = mem_zero(sizeof *reruns);
    reruns->loop = loop;
    record_key_load(&reruns->key);
    reruns->redis = redis_create(loop, settings.common.redis_url);
    reruns->ear = (struct shelf_ear){ on_announced, reruns };
    shelf_listen(reruns->redis, &reruns->ear);
    return reruns;
}

void reruns_put_back(struct reruns *reruns, record_put_back_fn *put_back, void *arg)
{
    reruns->put_back = put_back;
    reruns->put_back_arg = arg;
}

void reruns_destroy(struct reruns **reruns)
{
    if (*reruns == NULL) return;
    redis_destroy(&(*reruns)->redis);
    mem_free(*reruns);
    *reruns = NULL;
}
