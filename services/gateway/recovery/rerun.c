/* rerun.c - open echo sockets that keep what they are sent. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/recovery/rerun_inside.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "libshared/base/log.h"
#include "libshared/base/secret.h"
#include "libshared/service/settings.h"
#include "services/gateway/rooms/offset.h"
#include "services/gateway/socketio/echo.h"

#define NUMBER_CHARS 16
#define LENGTH_CHARS 8

int64_t rerun_ttl_ms(void)
{
    return settings.gateway.recovery_ms + settings.gateway.recovery_ms / 2;
}

/* --- the log --- */

static struct str part(const struct eio_packet *packet, unsigned i)
{
    return i == 0 ? eio_packet_text_payload(packet) : eio_packet_binary_payload(packet);
}

static void write_entry(struct buf *out, int64_t number, struct eio_packet *const *packets, unsigned n)
{
    buf_printf(out, "%0*" PRIx64, NUMBER_CHARS, (uint64_t)number);
    for (unsigned i = 0; i < n; i++) {
        struct str bytes = part(packets[i], i);
        buf_printf(out, "%0*zx", LENGTH_CHARS, bytes.len);
        buf_add_str(out, bytes);
    }
}

static bool read_hex(struct str *s, size_t chars, uint64_t *out)
{
    char text[NUMBER_CHARS + 1] = "";

    if (s->len < chars) return false;
    memcpy(text, s->at, chars);
    *s = str_skip(*s, chars);
    return sscanf(text, "%" SCNx64, out) == 1;
}

bool rerun_read(struct str entry, int64_t *number, struct str parts[RERUN_PARTS_MAX], unsigned *n)
{
    uint64_t value;

    if (!read_hex(&entry, NUMBER_CHARS, &value)) return false;
    *number = (int64_t)value;
    for (*n = 0; entry.len > 0; ++*n) {
        if (*n == RERUN_PARTS_MAX || !read_hex(&entry, LENGTH_CHARS, &value) || value > entry.len) return false;
        parts[*n] = (struct str){ entry.at, (size_t)value };
        entry = str_skip(entry, (size_t)value);
    }
    return *n > 0;
}

static struct str on_event_out(void *arg, struct eio_packet *const *packets, unsigned n)
{
    struct rerun *rerun = arg;
    struct buf entry = BUF(64u << 20);

    write_entry(&entry, ++rerun->n, packets, n);
    shelf_log(rerun->home->redis, rerun->hash, buf_str(&entry), rerun_ttl_ms());
    buf_free(&entry);
    offset_begin(&rerun->offset, rerun->epoch);
    offset_add(&rerun->offset, 0, rerun->n);
    return buf_str(&rerun->offset);
}

/* --- the socket --- */

static void on_keep(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct rerun *rerun = timer->data;

    (void)loop, (void)events;
    shelf_keep(rerun->home->redis, rerun->hash, rerun->owner, rerun_ttl_ms(), NULL, NULL);
    shelf_keep_log(rerun->home->redis, rerun->hash, rerun_ttl_ms());
}

static void link_in(struct rerun *rerun)
{
    rerun->here = &rerun->home->first;
    rerun->next = *rerun->here;
    if (rerun->next != NULL) rerun->next->here = &rerun->next;
    *rerun->here = rerun;
}

struct rerun *rerun_begin(struct reruns *home, struct sio_socket *socket, const unsigned char *hash, char epoch)
{
    struct rerun *rerun = mem_zero(sizeof *rerun);
    double keep_s = (double)settings.gateway.recovery_ms / 3000.;

    rerun->home = home;
    rerun->socket = socket;
    rerun->epoch = epoch;
    rerun->offset = BUF(64);
    rerun->offsets = (struct sio_offsets){ .arg = rerun, .newest = on_event_out, .every = true };
    memcpy(rerun->hash, hash, sizeof rerun->hash);
    secret_text(rerun->owner, SHELF_OWNER_CHARS);
    link_in(rerun);
    ev_timer_init(&rerun->keep, on_keep, keep_s, keep_s);
    rerun->keep.data = rerun;
    ev_timer_start(home->loop, &rerun->keep);
    sio_set_offsets(socket, &rerun->offsets);
    return rerun;
}

static void end(struct rerun *rerun)
{
    ev_timer_stop(rerun->home->loop, &rerun->keep);
    *rerun->here = rerun->next;
    if (rerun->next != NULL) rerun->next->here = rerun->here;
    sio_set_offsets(rerun->socket, NULL);
    buf_free(&rerun->offset);
    mem_free(rerun);
}

void rerun_supersede(struct reruns *home, const unsigned char *hash, struct str owner)
{
    struct rerun *next;

    for (struct rerun *r = home->first; r != NULL; r = next) {
        next = r->next;
        if (memcmp(r->hash, hash, sizeof r->hash) != 0 || str_is(owner, r->owner)) continue;
        struct sio_socket *socket = r->socket;
        end(r);
        sio_hang_up(socket);
    }
}

static void on_disconnected(void *arg, struct sio_socket *socket, const char *reason)
{
    const struct sio_offsets *offsets = sio_offsets(socket);

    (void)arg;
    if (offsets == NULL) return; /* not let in, or another goes on with it */
    struct rerun *rerun = offsets->arg;
    if (record_is_over(reason))
        shelf_remove(rerun->home->redis, rerun->hash, rerun->owner, rerun_ttl_ms());
    else
        shelf_keep(rerun->home->redis, rerun->hash, rerun->owner, settings.gateway.recovery_ms, NULL, NULL);
    end(rerun);
}

static void on_connect(void *arg, struct sio_socket *socket, struct str auth)
{
    rerun_enter(&(struct caller){ .home = arg, .socket = socket, .auth = auth });
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
    on_disconnected(arg, client->socket, reason);
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
    reruns->redis = redis_create(loop, settings.common.redis_url);
    reruns->ear = (struct shelf_ear){ on_announced, reruns };
    shelf_listen(reruns->redis, &reruns->ear);
    return reruns;
}

void reruns_destroy(struct reruns **reruns)
{
    if (*reruns == NULL) return;
    redis_destroy(&(*reruns)->redis);
    mem_free(*reruns);
    *reruns = NULL;
}
