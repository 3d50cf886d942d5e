/*
 * trust_watch.c - what changed since a position for each who asks, then every change, without a gap.
 *
 *      since ----> waiting --+                          +--> reply to who waits: a watcher, if that is all
 *                            +--> one load at a time ---+
 *      change --> refresh ---+    (on a worker)         +--> trust.moved, from `told` on, to all who watch
 *
 * One load at a time is the whole of the ordering: loads begin one after the other, so what each finds is newer.  Whoever
 * becomes a watcher knows at least what was told before.
 */
// SPDX-License-Identifier: Apache-2.0
#include <ev.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/base/clock.h"
#include "libshared/db/pg_listen.h"
#include "services/auth/abuse/attempts.h"
#include "services/auth/alerts/alerts.h"
#include "services/auth/directory/directory.h"
#include "services/auth/mail/mail.h"
#include "services/auth/oauth/oauth.h"
#include "services/auth/sealed/auth_columns.h"
#include "services/auth/tokens/signing_key.h"

#define RETRY_S 0.2
#define TURN_S  600.0 /* how often the signing key's age is looked at */

static void load_snapshot(struct auth *auth);

static void forget_watcher(struct auth *auth, const struct rpc_peer *peer)
{
    for (size_t i = 0; i < auth->n_watchers; i++)
        if (auth->watchers[i] == peer) auth->watchers[i--] = auth->watchers[--auth->n_watchers];
}

void auth_peer_gone(void *context, struct rpc_peer *peer)
{
    struct auth *auth = context;

    forget_watcher(auth, peer);
    for (size_t i = 0; i < auth->n_waiting; i++)
        if (auth->waiting[i].peer == peer) auth->waiting[i].peer = NULL;
}

static void announce_trust(struct auth *auth)
{
    struct rpc_event *event = rpc_event_create(auth->stream, ++auth->seq, "trust.moved", trust_shape(), auth->loaded);

    for (size_t i = 0; i < auth->n_watchers; i++) rpc_event_send(auth->server, auth->watchers[i], event);
    rpc_event_destroy(&event);
}

/* More than a page is announced page by page. */
static void take_announced(struct auth *auth)
{
    if (auth->loaded->position > auth->told.position || auth->loaded->since != auth->told.position)
        announce_trust(auth);
    auth->told = (struct trust_position){ auth->loaded->epoch, auth->loaded->position };
    auth->changed |= auth->loaded->more;
}

static bool is_same(const struct trust_position *a, const struct trust_position *b)
{
    return id_eq(a->epoch, b->epoch) && a->position == b->position;
}

static void answer_one(struct auth *auth, struct trust_waiter w, enum err e)
{
    bool has_all = e == OK && !auth->loaded->more;

    rpc_later_done(w.later, e, auth->loaded);
    if (!has_all || w.peer == NULL) return;
    forget_watcher(auth, w.peer); /* a watcher that asks twice still hears once */
    if (auth->n_watchers == 0) auth->told = (struct trust_position){ auth->loaded->epoch, auth->loaded->position };
    if (auth->n_watchers < WATCHERS_MAX) auth->watchers[auth->n_watchers++] = w.peer;
}

/* All who asked from where the present load began; on an error everybody. */
static void answer_waiting(struct auth *auth, enum err e)
{
    struct trust_waiter waiting[WATCHERS_MAX];
    size_t n = auth->n_waiting;

    memcpy(waiting, auth->waiting, n * sizeof *waiting);
    auth->n_waiting = 0;
    for (size_t i = 0; i < n; i++) {
        if (e != OK || is_same(&waiting[i].from, &auth->from))
            answer_one(auth, waiting[i], e);
        else
            auth->waiting[auth->n_waiting++] = waiting[i];
    }
}

/* On a worker. */
static enum err do_load(struct pg *pg, struct arena *arena, void *arg)
{
    struct auth *auth = arg;

    auth->loaded = arena_zero(arena, sizeof *auth->loaded);
    return trust_load(pg, arena, auth->settings, &auth->from, auth->loaded);
}

static void on_loaded(void *arg, enum err e)
{
    struct auth *auth = arg;

    auth->loading = false;
    if (!auth->announce) {
        answer_waiting(auth, e);
    } else if (e == OK) {
        take_announced(auth);
    } else {
        auth->changed = true;
    }
    auth->loaded = NULL;
    if (e == OK)
        load_snapshot(auth);
    else if (auth->changed)
        ev_timer_again(auth->loop, &auth->retry);
}

static bool begin_load(struct auth *auth)
{
    return rpc_server_work(auth->server, STR_NONE, do_load, on_loaded, auth);
}

/* Gateways that watch are told before the ones that wait for a first answer; a gateway is told only of changes that it asked for. */
static void load_snapshot(struct auth *auth)
{
    if (auth->loading) return;
    auth->announce = auth->changed && auth->n_watchers > 0;
    auth->changed = false;
    if (!auth->announce && auth->n_waiting == 0) return;
    auth->from = auth->announce ? auth->told : auth->waiting[0].from;
    auth->loading = begin_load(auth);
    if (auth->loading) return;
    auth->changed = auth->announce;
    answer_waiting(auth, ERR_OVERLOADED);
    if (auth->changed) ev_timer_again(auth->loop, &auth->retry);
}

/* Something changed: load the trust again and send it to all who watch. */
static void refresh_snapshot(struct auth *auth)
{
    auth->changed = true;
    load_snapshot(auth);
}

static void refresh_after_commit(struct rpc_server *server, void *context, void *arg)
{
    (void)arg;
    if (server != NULL) /* without one there is nobody who watches */
        refresh_snapshot(context);
}

const char *auth_public_url(const struct call *call)
{
    return ((const struct auth *)call->context)->public_url;
}

const struct settings_auth *auth_settings(const struct call *call)
{
    return ((const struct auth *)call->context)->settings;
}

void trust_changed(struct call *call)
{
    /* Nothing of a worker's copy runs after the commit; the database's notification comes a little later. */
    if (call->is_copy) return;
    call_after(call, refresh_after_commit, NULL);
}

void trust_since(struct call *call, const struct trust_position *from, struct rpc_later *later)
{
    struct auth *auth = call->context;

    if (auth->n_waiting == WATCHERS_MAX) {
        rpc_later_done(later, ERR_OVERLOADED, NULL);
        return;
    }
    auth->waiting[auth->n_waiting++] = (struct trust_waiter){ later, call->peer, *from };
    load_snapshot(auth);
}

static void on_retry(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct auth *auth = timer->data;

    (void)events;
    ev_timer_stop(loop, timer);
    if (auth->changed) load_snapshot(auth);
}

/* Of what this process did itself, and has announced already, nothing more is found.  Without a payload some may have been
 * missed. */
static void on_notification(void *arg, const char *payload)
{
    struct auth *auth = arg;
    bool is_of_users = payload != NULL && strcmp(payload, "users") == 0;

    if (auth->server == NULL) return;
    if (is_of_users || payload == NULL) users_announce(auth->server);
    if (!is_of_users) refresh_snapshot(auth);
}

static enum err turn_signing_keys(struct pg *pg, struct arena *arena, const struct settings_auth *s, bool *turned)
{
    return signing_keys_turn(pg, arena, clock_ms(), s->signing_key_days, s->token_ttl_max_s, turned);
}

/* On a worker. */
static enum err do_turn(struct pg *pg, struct arena *arena, void *arg)
{
    struct auth *auth = arg;

    return turn_signing_keys(pg, arena, auth->settings, &auth->turned);
}

static void on_turned(void *arg, enum err e)
{
    struct auth *auth = arg;

    if (e == OK && auth->turned) refresh_snapshot(auth);
}

static void on_turn(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct auth *auth = timer->data;

    (void)loop;
    (void)events;
    if (!rpc_server_work(auth->server, STR_NONE, do_turn, on_turned, auth))
        LOG(WARN, "auth.turn_postponed"); /* the next tick comes */
}

/* Without a key nothing can be signed, and without today's table no token is issued: so they are made before we serve.  What a
 * former file key has sealed is sealed again; where that is lost, nobody shall find out by a token that is refused. */
static void make_first(const struct settings_auth *s)
{
    struct pg *pg = pg_create(s->db, "auth");
    /* bound: keys of ours */
    struct arena *arena = arena_create("auth.start", 1u << 20);
    bool turned;
    enum err e = turn_signing_keys(pg, arena, s, &turned);

    if (e == OK) e = auth_columns_renew(pg);
    if (e == OK) e = attempt_make_days(pg, arena);
    if (e == OK) e = pg_commit(pg);
    if (e != OK) {
        LOG(ERROR, "auth.not_begun", F_TEXT("code", err_code(e)), F_TEXT("why", pg_last_error(pg)));
        exit(1);
    }
    pg_destroy(&pg);
    arena_destroy(&arena);
}

struct auth *auth_start(struct ev_loop *loop, const struct settings_auth *s, const char *public_url)
{
    struct auth *auth = mem_zero(sizeof *auth);

    make_first(s);
    auth->settings = s;
    auth->public_url = public_url;
    auth->loop = loop;
    auth->stream = id_new();
    auth->mailer = mailer_create(loop, s);
    auth->oauth = oauth_create(s);
    webhooks_create(s, auth->webhooks);
    ev_timer_init(&auth->retry, on_retry, 0, RETRY_S);
    ev_timer_init(&auth->turn, on_turn, TURN_S, TURN_S);
    auth->retry.data = auth->turn.data = auth;
    return auth;
}

void auth_serving(void *context, struct rpc_server *server)
{
    struct auth *auth = context;

    auth->server = server;
    auth->listen = pg_listen_create(auth->loop, auth->settings->db, "auth_changed", on_notification, auth);
    ev_timer_start(auth->loop, &auth->turn);
}

bool auth_ready(void *context, struct buf *why)
{
    struct auth *auth = context;

    bool up = auth->listen != NULL && pg_listen_is_up(auth->listen);

    if (!up) buf_add_str(why, STR("not listening for changes in the database"));
    return up;
}

void auth_stop(void *context)
{
    struct auth *auth = context;

    mailer_destroy(&auth->mailer);
    oauth_destroy(&auth->oauth);
    webhooks_destroy(auth->webhooks);
    pg_listen_destroy(&auth->listen);
    ev_timer_stop(auth->loop, &auth->retry);
    ev_timer_stop(auth->loop, &auth->turn);
    mem_free(auth);
}
