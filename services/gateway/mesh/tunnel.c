/*
 * tunnel.c - WebSockets of clients here, whose session another gateway has.
 *
 * The owner makes the frames; here they wait for the client's socket, and what it took is told, so that the owner
 * knows when to stop.  What the client sends goes up one message at a time; past a window it is not read.
 *
 * A probe is answered here: the owner may answer a later request of the client's by another gateway, and that answer must
 * not come first.
 */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "libshared/base/container_of.h"
#include "libshared/base/holding.h"
#include "libshared/base/invariant.h"
#include "libshared/base/log.h"
#include "libshared/base/metrics.h"
#include "services/gateway/mesh/mesh_private.h"

struct tunnel {
    struct waiter waiter;
    struct eio_ws_user user;
    struct mesh_path *path;
    struct ws *ws;
    struct link *link; /* NULL: it waits for one */
    int64_t number;
    struct buf frames; /* for the client, from `at` on; the owner's window bounds it */
    size_t at, taken, unanswered;
    size_t counted; /* of the frames, in what the socket holds */
    struct eio_allowance allowance;
    bool stranger;     /* as the owner has said */
    bool known;        /* the owner has it; until then the client has no 101, so that it cannot open another first */
    bool spoken;       /* its client has sent something */
    bool answer_probe; /* before all frames */
    bool ended, paused;
    int code; /* of the Close frame, if it ended */
    char reason[124];
    UT_hash_handle hh;
};

static struct tunnel *find_tunnel(struct mesh *mesh, int64_t number)
{
    struct tunnel *t;

    HASH_FIND(hh, mesh->tunnels, &number, sizeof number, t);
    return t;
}

static void tunnel_check(const struct tunnel *t)
{
    assert(find_tunnel(t->path->mesh, t->number) == t);
    assert(t->at <= t->frames.len && t->counted == t->frames.cap);
    assert(t->link == NULL || (t->link->users > 0 && !t->waiter.waits));
    assert(t->link != NULL || (!t->known && !t->spoken && t->unanswered == 0));
    assert(t->known || t->unanswered > 0 || t->link == NULL);
    assert(t->paused || (t->known && t->unanswered <= UP_WINDOW));
}

static void count_frames(struct tunnel *t)
{
    holding_set_anyway(ws_holding(t->ws), &t->counted, t->frames.cap);
}

static void tunnel_free(struct tunnel *t)
{
    struct mesh *mesh = t->path->mesh;

    wait_end(mesh, &t->waiter);
    if (t->link != NULL) t->link->users--;
    ws_set_user(t->ws, NULL);
    HASH_DEL(mesh->tunnels, t);
    metric_set(mesh->open, HASH_COUNT(mesh->tunnels));
    buf_free(&t->frames);
    count_frames(t);
    mem_free(t);
}

static void close_ws(struct tunnel *t, int code, const char *reason)
{
    ws_pause(t->ws, false); /* its Close frame has to be read */
    ws_close(t->ws, code, reason);
    tunnel_free(t);
}

static void tell_closed(const struct tunnel *t)
{
    if (t->link != NULL && !t->ended && link_is_up(t->link))
        link_send(t->link, M_gateway_mesh_close, &(struct mesh_tunnel){ t->number });
}

/* --- up --- */

static void pause_over(struct tunnel *t)
{
    bool paused = !t->known || t->unanswered > (t->paused ? UP_WINDOW / 2 : UP_WINDOW);

    if (paused == t->paused) return;
    t->paused = paused;
    ws_pause(t->ws, paused);
}

/* What it brings up counts for its address until the owner has taken it. */
static struct freight freight_of(const struct tunnel *t, size_t bytes)
{
    return (struct freight){
        .number = t->number, .from = ws_limited(t->ws), .bytes = bytes, .window = bytes + MESSAGE_COST
    };
}

static void end_tunnel(struct tunnel *t, int code, const char *reason)
{
    tell_closed(t);
    close_ws(t, code, reason);
}

static void answer_probe(struct tunnel *t)
{
    t->answer_probe = true;
    ws_flush(t->ws);
}

/* The owner counts messages as well.  But what it costs to read and to inflate them is spent here, and of other frames the
 * owner hears nothing. */
static bool has_allowance(struct tunnel *t, size_t bytes)
{
    const char *why = eio_allowance_take(t->path->eio, &t->allowance, t->stranger, bytes);

    if (why != NULL) end_tunnel(t, 1008, why);
    return why == NULL;
}

static void on_ws_message(struct eio_ws_user *user, bool binary, struct str bytes)
{
    struct tunnel *t = CONTAINER_OF(user, struct tunnel, user);

    struct freight freight = freight_of(t, bytes.len);

    if (t->ended || !has_allowance(t, bytes.len)) return;
    if (bytes.len > MESH_BYTES_MAX) {
        end_tunnel(t, 1009, "");
        return;
    }
    if (!link_has_room(t->link, &freight)) {
        end_tunnel(t, 1013, "too much is under way");
        return;
    }
    if (!t->spoken && !binary && str_is(bytes, "2probe")) answer_probe(t);
    t->spoken = true;
    struct mesh_message record = { t->number, binary, bytes };
    t->unanswered += freight.window;
    metric_add(t->path->mesh->messages, 1);
    pause_over(t);
    CHECK_STEP(tunnel_check(t));
    link_send_for(t->link, M_gateway_mesh_message, &record, &freight);
}

static void on_ws_frame(struct eio_ws_user *user)
{
    struct tunnel *t = CONTAINER_OF(user, struct tunnel, user);

    if (!t->ended) (void)has_allowance(t, 0);
}

/* Where its subject holds too much already, it stays with the strangers. */
static void know_owner(struct tunnel *t, struct str subject)
{
    if (holding_belongs(ws_holding(t->ws), subject) != OK)
        LOG_BOUNDED(INFO, "mesh.owner_full", F_STR("subject", subject));
}

/* The first comes before the answer to our mesh.upgrade, until which the client is not read. */
void tunnel_bound(struct mesh *mesh, const struct mesh_bound *bound)
{
    struct tunnel *t = find_tunnel(mesh, bound->tunnel);

    if (t == NULL) return;
    t->stranger = bound->stranger;
    ws_set_message_max(t->ws, eio_message_max(t->path->eio, t->stranger));
    if (bound->subject.len > 0) know_owner(t, bound->subject);
}

void tunnel_sent(struct mesh *mesh, int64_t number, size_t bytes)
{
    struct tunnel *t = find_tunnel(mesh, number);

    if (t == NULL) return;
    if (!t->known) ws_silence(t->ws, false);
    t->known = true;
    assert(t->unanswered >= bytes);
    t->unanswered -= bytes;
    pause_over(t);
    CHECK_STEP(tunnel_check(t));
}

static void on_ws_closed(struct eio_ws_user *user)
{
    struct tunnel *t = CONTAINER_OF(user, struct tunnel, user);

    tell_closed(t);
    tunnel_free(t);
}

/* --- down --- */

/* The length of the frame at the head of these bytes; 0: it is not all there.  Ours are not masked. */
static size_t frame_length(struct str bytes)
{
    const unsigned char *at = (const unsigned char *)bytes.at;
    size_t header, payload = 0;

    if (bytes.len < 2) return 0;
    header = at[1] == 127 ? 10 : at[1] == 126 ? 4 : 2;
    if (bytes.len < header) return 0;
    if (header == 2) payload = at[1];
    for (size_t i = 2; i < header; i++) payload = payload << 8 | at[i];
    return payload <= bytes.len - header ? header + payload : 0;
}

static void tell_taken(struct tunnel *t)
{
    struct mesh_taken record = { t->number, (int64_t)t->taken };

    if (t->taken < DOWN_WINDOW / 4 || t->ended || !link_is_up(t->link)) return;
    t->taken = 0;
    link_send(t->link, M_gateway_mesh_taken, &record);
}

/* What was put is dropped from the head of the buffer when that is worth a move. */
static void compact_tunnel(struct tunnel *t)
{
    if (t->at == t->frames.len) {
        buf_free(&t->frames);
        t->frames = BUF(SIZE_MAX);
        count_frames(t);
    } else if (t->at > DOWN_WINDOW) {
        memmove(t->frames.at, t->frames.at + t->at, t->frames.len - t->at);
        t->frames.len -= t->at;
    } else {
        return;
    }
    t->at = 0;
}

static bool put_probe_answer(struct tunnel *t)
{
    const struct str answer = STR("3probe");
    char frame[WS_HEADER_MAX + 6];
    size_t n = ws_frame_header(frame, false, answer.len);

    memcpy(frame + n, answer.at, answer.len);
    t->answer_probe = !ws_put_frame(t->ws, (struct str){ frame, n + answer.len });
    return !t->answer_probe;
}

static void on_ws_writable(struct eio_ws_user *user)
{
    struct tunnel *t = CONTAINER_OF(user, struct tunnel, user);

    if (t->answer_probe && !put_probe_answer(t)) return;
    for (;;) {
        struct str left = str_skip(buf_str(&t->frames), t->at);
        size_t n = frame_length(left);
        if (n == 0) break;
        if (!ws_put_frame(t->ws, (struct str){ left.at, n })) break;
        t->at += n;
        t->taken += n;
    }
    compact_tunnel(t);
    CHECK_STEP(tunnel_check(t));
    if (t->ended && t->frames.len == 0)
        close_ws(t, t->code, t->reason);
    else
        tell_taken(t);
}

/* At once: an answer to a probe must not be overtaken by that to another request. */
void tunnel_frames(struct mesh *mesh, const struct mesh_frames *frames)
{
    struct tunnel *t = find_tunnel(mesh, frames->tunnel);

    if (t == NULL || t->ended) return;
    buf_add_str(&t->frames, frames->bytes);
    count_frames(t);
    CHECK_STEP(tunnel_check(t));
    ws_flush(t->ws);
}

void tunnel_ended(struct mesh *mesh, const struct mesh_end *end)
{
    struct tunnel *t = find_tunnel(mesh, end->tunnel);

    if (t == NULL) return;
    t->ended = true;
    t->code = (int)end->code;
    snprintf(t->reason, sizeof t->reason, "%.*s", STR_ARG(end->reason));
    if (t->frames.len == 0)
        close_ws(t, t->code, t->reason);
    else
        ws_want_write(t->ws);
}

/* --- its life --- */

static void on_link_reached(struct waiter *waiter, struct link *link)
{
    struct tunnel *t = CONTAINER_OF(waiter, struct tunnel, waiter);
    struct mesh_upgrade record = { t->number, t->path->number, mesh_sid(waiter->sid), true, ws_address(t->ws) };

    t->link = link;
    link->users++;
    metric_add(t->path->mesh->upgrades, 1);
    struct freight freight = freight_of(t, 0);

    t->unanswered += freight.window;
    link_send_for(link, M_gateway_mesh_upgrade, &record, &freight);
}

static void on_given_up(struct waiter *waiter)
{
    close_ws(CONTAINER_OF(waiter, struct tunnel, waiter), 0, "");
}

static const struct eio_ws_reader reader = { on_ws_message, on_ws_frame, on_ws_writable, on_ws_closed };

void tunnel_open(struct mesh_path *path, struct ws *ws, struct str sid)
{
    struct tunnel *t = mem_zero(sizeof *t);

    t->waiter.reached = on_link_reached;
    t->waiter.given_up = on_given_up;
    snprintf(t->waiter.sid, sizeof t->waiter.sid, "%.*s", STR_ARG(sid));
    t->user.reader = &reader;
    t->path = path;
    t->ws = ws;
    t->frames = BUF(SIZE_MAX);
    t->number = ++path->mesh->last_number;
    HASH_ADD(hh, path->mesh->tunnels, number, sizeof t->number, t);
    metric_set(path->mesh->open, HASH_COUNT(path->mesh->tunnels));
    ws_set_user(ws, &t->user);
    ws_silence(ws, true);
    pause_over(t);
    wait_begin(path->mesh, &t->waiter);
}

static void fail_one(struct tunnel *t)
{
    end_tunnel(t, 1001, "");
}

void tunnels_fail(struct mesh *mesh, const struct link *link)
{
    struct tunnel *t, *next;

    HASH_ITER(hh, mesh->tunnels, t, next)
        if (t->link == link) fail_one(t);
}

bool tunnel_fail_one(struct mesh *mesh, int64_t number)
{
    struct tunnel *t = find_tunnel(mesh, number);

    if (t != NULL) fail_one(t);
    return t != NULL;
}

void tunnels_release(struct mesh *mesh, int64_t elapsed_ms, int64_t spread_ms)
{
    struct tunnel *t, *next;

    HASH_ITER(hh, mesh->tunnels, t, next)
        if (eio_drain_delay_ms(t->waiter.sid, spread_ms) <= elapsed_ms) fail_one(t);
}

size_t tunnels_count(const struct mesh *mesh)
{
    return HASH_COUNT(mesh->tunnels);
}

void tunnels_free(struct mesh *mesh)
{
    struct tunnel *t, *next;

    HASH_ITER(hh, mesh->tunnels, t, next) tunnel_free(t);
}
