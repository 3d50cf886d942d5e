/*
 * resume_turns.c - when many come back at once: a few at a time, and a service that is busy is asked again.
 *
 * A gateway that dies sends all its clients to the others in the same moment.  Each of them asks one question after the
 * other, so those that have a turn never fill the queues to the services, in which all other requests wait too.
 */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <utlist.h>

#include "libshared/base/clock.h"
#include "libshared/base/invariant.h"
#include "services/gateway/recovery/resume_private.h"

#define TURNS_MAX    64
#define PAUSE_MS     50 /* before the second try; then twice as long each time */
#define PAUSE_MS_MAX 2000

static size_t turns_max(const struct recovery *recovery)
{
    int64_t share = recovery->config.pending_max / 4;

    return share < 1 ? 1 : share < TURNS_MAX ? (size_t)share : TURNS_MAX;
}

static int64_t time_us(const struct recovery *recovery)
{
    int64_t connect_ms = recovery->config.connect_timeout_ms * 2 / 3;

    return 1000 * (connect_ms < RESUME_MS ? connect_ms : RESUME_MS);
}

static struct resume **list_of(struct resume *c)
{
    return c->has_turn ? &c->home->pausing : &c->home->queue;
}

static void turns_check(const struct recovery *recovery)
{
    const struct resume *c;
    size_t queued = 0, pausing = 0;

    DL_FOREACH(recovery->queue, c) {
        assert(c->waits && !c->has_turn);
        queued++;
    }
    DL_FOREACH(recovery->pausing, c) {
        assert(c->waits && c->has_turn);
        pausing++;
    }
    assert(pausing <= recovery->turns && recovery->turns <= TURNS_MAX);
    assert(queued + recovery->turns <= recovery->resumes);
}

static void stop_waiting(struct resume *c)
{
    if (!c->waits) return;
    c->waits = false;
    ev_timer_stop(c->home->loop, &c->wait);
    DL_DELETE(*list_of(c), c);
}

static void on_waited(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct resume *c = timer->data;

    (void)loop, (void)events;
    stop_waiting(c);
    c->waited(c);
}

static void wait_for(struct resume *c, int64_t us, void (*waited)(struct resume *c))
{
    c->waits = true;
    c->waited = waited;
    DL_APPEND(*list_of(c), c);
    ev_timer_init(&c->wait, on_waited, (double)us / 1e6, 0.);
    c->wait.data = c;
    ev_timer_start(c->home->loop, &c->wait);
}

/* One that begins may end at once, and so give the next turn: that is left to this loop. */
static void give_turns(struct recovery *recovery)
{
    if (recovery->giving || recovery->ending) return;
    recovery->giving = true;
    while (recovery->queue != NULL && recovery->turns < turns_max(recovery)) {
        struct resume *c = recovery->queue;
        stop_waiting(c);
        c->has_turn = true;
        recovery->turns++;
        c->begin(c);
    }
    recovery->giving = false;
    CHECK_STEP(turns_check(recovery));
}

void resume_await_turn(struct resume *c, void (*begin)(struct resume *c), void (*late)(struct resume *c))
{
    c->begin = begin;
    c->until_us = clock_mono_us() + time_us(c->home);
    wait_for(c, time_us(c->home), late);
    give_turns(c->home);
}

void resume_end_turn(struct resume *c)
{
    stop_waiting(c);
    if (c->has_turn) c->home->turns--;
    c->has_turn = false;
    give_turns(c->home);
}

static bool may_help(enum err e)
{
    return e == ERR_OVERLOADED || e == ERR_UNAVAILABLE || e == ERR_SHUTTING_DOWN || e == ERR_DEADLINE;
}

/* Between half of the pause and all of it, by the hash of the pid: those that were refused together come one by one. */
static int64_t pause_us(struct resume *c)
{
    int64_t us = INT64_C(1000) * PAUSE_MS << (c->tries < 8 ? c->tries : 8);

    if (us > INT64_C(1000) * PAUSE_MS_MAX) us = INT64_C(1000) * PAUSE_MS_MAX;
    return us / 2 + us / 2 * c->hash[c->tries++ % RECORD_HASH_BYTES] / 256;
}

bool resume_ask_again(struct resume *c, enum err e, void (*ask)(struct resume *c))
{
    if (!may_help(e) || c->home->ending) return false;
    int64_t us = pause_us(c);
    if (clock_mono_us() + us >= c->until_us) return false;
    metric_add(c->home->again, 1);
    wait_for(c, us, ask);
    CHECK_STEP(turns_check(c->home));
    return true;
}

void resumes_stop_waiting(struct recovery *recovery)
{
    struct resume *c;

    while ((c = recovery->queue != NULL ? recovery->queue : recovery->pausing) != NULL) {
        stop_waiting(c);
        c->why = "shutting_down";
        c->waited(c);
    }
}
