/* directory.c - the way from auth to the directory: one question or page at a time. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "libshared/base/log.h"
#include "libshared/directory/directory_private.h"
#include "libshared/rpc/rpc_client.h"

#define RETRY_S 0.5
#define HEARERS_S                                                                                                      \
    1 /* after a start those who were connected to a former process are back: an rpc client tries each 0.2 s */
#define PENDING_MAX 100        /* questions, and reports of erasures */
#define PAGE_BYTES  (1u << 20) /* of 500 users, by the bounds of the record's fields */

static void go_on(struct directory *d);

/* What was under way is over. */
static void end_turn(struct directory *d, enum err e)
{
    d->busy = false;
    if (e == OK) {
        go_on(d);
        return;
    }
    d->again = true;
    d->known = d->known && e != ERR_CONFLICT;
    if (e != ERR_CONFLICT && e != ERR_UNAVAILABLE) LOG(ERROR, "directory.stuck", F_TEXT("code", err_code(e)));
    if (rpc_client_is_up(d->auth)) ev_timer_again(d->loop, &d->retry);
}

/* --- a page --- */

static enum err take_page(struct pg *pg, struct arena *arena, void *arg)
{
    struct directory *d = arg;

    return directory_take(pg, arena, &d->page);
}

static void on_taken(void *arg, enum err e)
{
    struct directory *d = arg;

    buf_free(&d->page.body);
    if (e == OK) {
        d->again |= d->page.more;
        d->page.asked = d->page.taken;
        if (d->page.found != NULL) d->config.tell(d->config.context, d->page.found);
    }
    end_turn(d, e);
}

static void on_page(void *arg, enum err status, struct str body)
{
    struct directory *d = arg;

    if (status == OK && rpc_server_is_leaving(d->server)) status = ERR_SHUTTING_DOWN;
    if (status == OK) {
        d->page.body = BUF(PAGE_BYTES);
        buf_add_str(&d->page.body, body);
        d->page.found = NULL;
        if (d->page.body.over)
            status = ERR_TOO_LARGE;
        else if (!rpc_server_work(d->server, STR_NONE, take_page, on_taken, d))
            status = ERR_UNAVAILABLE;
        if (status != OK) buf_free(&d->page.body);
    }
    if (status != OK) end_turn(d, status);
}

static void ask_auth(struct directory *d)
{
    struct buf body = BUF(200);
    enum err e = wire_encode(users_position_shape(), &d->page.asked, &body);

    assert(e == OK); /* the record is ours */
    rpc_client_call(
        d->auth, &(struct rpc_request){ .method = "users.since", .safe = true, .body = buf_str(&body) }, on_page, d);
    buf_free(&body);
}

/* --- where we are --- */

static enum err load_position(struct pg *pg, struct arena *arena, void *arg)
{
    struct directory *d = arg;

    return directory_position(pg, arena, &d->page.asked);
}

static void on_position(void *arg, enum err e)
{
    struct directory *d = arg;

    d->known = e == OK;
    if (e == OK)
        ask_auth(d);
    else
        end_turn(d, e);
}

static void go_on(struct directory *d)
{
    if (d->busy || d->is_early || !d->again || d->server == NULL || rpc_server_is_leaving(d->server)) return;
    if (!rpc_client_is_up(d->auth)) return; /* its coming up is heard */
    ev_timer_stop(d->loop, &d->retry);
    d->busy = true;
    d->again = false;
    if (d->known)
        ask_auth(d);
    else if (!rpc_server_work(d->server, STR_NONE, load_position, on_position, d))
        end_turn(d, ERR_UNAVAILABLE);
}

static void on_retry(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct directory *d = timer->data;

    (void)events;
    ev_timer_stop(loop, timer);
    d->is_early = false;
    go_on(d);
}

static void on_up(void *arg, struct id instance)
{
    struct directory *d = arg;

    (void)instance;
    d->again = true;
    go_on(d);
}

/* Whether it says that users changed or that something was lost, it is asked. */
static void on_auth_event(void *arg, const struct frame_event *head, struct str body)
{
    struct directory *d = arg;

    (void)head, (void)body;
    d->again = true;
    go_on(d);
}

struct directory *directory_create(struct ev_loop *loop, const struct directory_config *config)
{
    struct directory *d = mem_zero(sizeof *d);

    d->config = *config;
    d->loop = loop;
    d->page.config = &d->config;
    ev_timer_init(&d->retry, on_retry, 0, RETRY_S);
    d->retry.data = d;
    d->auth = rpc_client_create(loop, &(struct rpc_client_config){ .self = config->self,
                                          .service = "auth",
                                          .endpoint = config->auth_url,
                                          .key_dir = config->key_dir,
                                          .budget_ms = config->budget_ms,
                                          .pending_max = PENDING_MAX,
                                          .up = on_up,
                                          .event = on_auth_event,
                                          .arg = d });
    return d;
}

void directory_serve(struct directory *d, struct rpc_server *server)
{
    d->server = server;
    d->is_early = d->config.tell != NULL;
    if (!d->is_early) {
        go_on(d);
        return;
    }
    ev_timer_set(&d->retry, HEARERS_S, RETRY_S);
    ev_timer_start(d->loop, &d->retry);
}

struct rpc_client *directory_auth(const struct directory *directory)
{
    return directory->auth;
}

void directory_destroy(struct directory **directory)
{
    struct directory *d = *directory;

    if (d == NULL) return;
    d->server = NULL; /* nothing is begun any more */
    rpc_client_destroy(&d->auth);
    ev_timer_stop(d->loop, &d->retry);
    buf_free(&d->page.body);
    mem_free(d);
    *directory = NULL;
}
