/* link_open.c - somebody looks at what a link opens: WORKER, then the thread of passwords and a WORKER again if it has one. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/container_of.h"
#include "services/share/links/links.h"

static struct call *call_of(const struct link_opening *opening)
{
    return rpc_later_call(opening->later);
}

/* --- on a worker --- */

static enum err take_view(struct link_opening *opening, struct call *call)
{
    TRY(link_count(call, &opening->visit, &opening->link));
    TRY(visit_print(call, &opening->visit, opening->link.lock, &opening->share_visit));
    return opening->show(opening, call);
}

/* A guess is taken before it is compared: those that come at once are all counted. */
static enum err take_guess(struct link_opening *opening, struct call *call)
{
    if (opening->password.len == 0)
        return call_fail(call, ERR_PASSWORD_REQUIRED, "it has a password, which has to be said");
    if (!password_keep(opening->password, &opening->kept))
        return call_fail(call, ERR_CREDENTIALS_INVALID, "that is not its password"); /* none is as long */
    TRY(guess_take(call, opening->link.id, &opening->visit, &opening->tries));
    opening->compares = true;
    return OK;
}

static enum err find_link(struct pg *pg, struct arena *arena, void *arg)
{
    struct link_opening *opening = arg;
    struct call call = call_on_worker(call_of(opening), pg, arena);

    TRY(link_find(&call, &opening->visit, &opening->link));
    if (opening->visit.is_fresh) return opening->show(opening, &call);
    if (opening->looks_only) return call_fail(&call, ERR_METHOD_NOT_ALLOWED, "to read it is a view, so HEAD does not");
    return opening->link.lock == 0 ? take_view(opening, &call) : take_guess(opening, &call);
}

static enum err let_in(struct pg *pg, struct arena *arena, void *arg)
{
    struct link_opening *opening = arg;
    struct call call = call_on_worker(call_of(opening), pg, arena);

    TRY(guess_clear(&call, opening->link.id, &opening->visit));
    return take_view(opening, &call);
}

static enum err give_back(struct pg *pg, struct arena *arena, void *arg)
{
    struct link_opening *opening = arg;
    struct call call = call_on_worker(call_of(opening), pg, arena);

    return guess_return(&call, opening->link.id, &opening->visit);
}

/* --- on the loop --- */

static void end_opening(void *arg, enum err e)
{
    struct link_opening *opening = arg;

    password_forget(&opening->kept);
    if (e == OK && opening->link.has_budget && !opening->visit.is_fresh)
        share_tell(
            call_of(opening)->server, &(struct share_news){ .link = opening->link.id }); /* it may have been the last */
    opening->end(opening, e);
}

static void on_given_back(void *arg, enum err e)
{
    struct link_opening *opening = arg;

    (void)e; /* what could not be given back is forgotten in a day */
    end_opening(opening, opening->failed);
}

/* What was not compared, or was right and came to nothing, is no wrong password. */
static void end_comparison(void *arg, enum err e)
{
    struct link_opening *opening = arg;
    struct call *call = call_of(opening);

    opening->failed = e;
    if (e != OK && rpc_server_work(call->server, rpc_call_lane(call), give_back, on_given_back, opening)) return;
    end_opening(opening, e);
}

static void on_compared(void *arg, enum err e, struct str hash, bool fits)
{
    static const struct rpc_step in[] = { { WORKER, let_in }, { 0 } };
    struct link_opening *opening = arg;

    (void)hash;
    if (e != OK)
        end_comparison(opening, e);
    else if (fits)
        rpc_later_steps(opening->later, in, end_comparison, opening);
    else
        end_opening(opening, call_fail(call_of(opening), ERR_CREDENTIALS_INVALID, "that is not its password"));
}

static void on_found(void *arg, enum err e)
{
    struct link_opening *opening = arg;
    const struct share *share = call_of(opening)->context;

    if (e != OK || !opening->compares)
        end_opening(opening, e);
    else
        hashing_compare(share->hashing, call_of(opening), &opening->kept, opening->link.password, opening->tries,
            on_compared, opening);
}

void link_open(struct link_opening *opening)
{
    static const struct rpc_step steps[] = { { WORKER, find_link }, { 0 } };

    rpc_later_steps(opening->later, steps, on_found, opening);
}

/* --- as JSON --- */

struct share_reading {
    struct link_opening opening;
    struct str code;
    struct shared_conversation shared;
};

static enum err read_shared(struct link_opening *opening, struct call *call)
{
    struct share_reading *reading = CONTAINER_OF(opening, struct share_reading, opening);

    TRY(link_read(call, opening->link.id, &reading->shared));
    TRY(link_media_list(call, opening->link.id, reading->code, reading->shared.download, (struct id_list){ NULL, 0 },
        &reading->shared.media));
    reading->shared.share_visit = opening->share_visit;
    return link_ticket_print(
        call, &opening->visit, &opening->link, reading->shared.changed_at, &reading->shared.share_watch);
}

static void answer_shared(struct link_opening *opening, enum err e)
{
    struct share_reading *reading = CONTAINER_OF(opening, struct share_reading, opening);

    rpc_later_done(opening->later, e, &reading->shared);
}

void share_open(struct call *call, const struct share_opening *req, struct rpc_later *later)
{
    struct share_reading *reading = arena_zero(call->arena, sizeof *reading);

    reading->code = req->code;
    reading->opening = (struct link_opening){ .later = later,
        .visit = visit_read(call, req->share_visit, req->code, req->client_key),
        .password = req->share_password,
        .looks_only = req->head,
        .show = read_shared,
        .end = answer_shared };
    link_open(&reading->opening);
}
