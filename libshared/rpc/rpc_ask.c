/* rpc_ask.c - one call that is waited for: what a shell command needs. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/clock.h"
#include "libshared/rpc/rpc_client_private.h"

struct rpc_asking {
    struct rpc_client *client;
    struct rpc_request request;
    struct arena *arena;
    struct ev_loop *loop;
    struct str *out;
    enum err status;
    int64_t deadline_us;
    bool asked;
};

static void on_reply(void *arg, enum err status, struct str body)
{
    struct rpc_asking *asking = arg;
    asking->status = status;
    *asking->out = arena_str(asking->arena, body);
    ev_break(asking->loop, EVBREAK_ALL);
}

static void on_up(void *arg, struct id instance)
{
    (void)instance;
    struct rpc_asking *asking = arg;
    int64_t left_ms = (asking->deadline_us - clock_mono_us()) / 1000;
    if (asking->asked || left_ms < 1) return;
    asking->asked = true;
    asking->request.budget_ms = left_ms;
    rpc_client_call(asking->client, &asking->request, on_reply, asking);
}

static void on_timeout(struct ev_loop *loop, ev_timer *timer, int revents)
{
    (void)revents;
    struct rpc_asking *asking = timer->data;
    struct wire_error why = { .text = "it cannot be reached; is it running, and is our certificate known to it?" };
    struct buf body = BUF(2048);
    if (asking->asked) return; /* the call has the same deadline */
    frame_put_failure(&body, ERR_UNAVAILABLE, &why);
    asking->status = ERR_UNAVAILABLE;
    *asking->out = arena_str(asking->arena, buf_str(&body));
    buf_free(&body);
    ev_break(loop, EVBREAK_ALL);
}

enum err rpc_client_ask(
    const struct rpc_client_config *config, const struct rpc_request *request, struct arena *arena, struct str *out)
{
    struct rpc_asking asking = {
        .request = *request,
        .arena = arena,
        .out = out,
        .loop = ev_loop_new(EVFLAG_AUTO),
        .deadline_us = clock_mono_us() + request->budget_ms * 1000,
    };
    struct rpc_client_config with = *config;
    with.up = on_up;
    with.arg = &asking;
    if (with.pending_max == 0) with.pending_max = 1;

    ev_timer timeout;
    ev_timer_init(&timeout, on_timeout, (double)request->budget_ms / 1000, 0.);
    timeout.data = &asking;
    ev_timer_start(asking.loop, &timeout);
    asking.client = rpc_client_create(asking.loop, &with);
    ev_run(asking.loop, 0);

    enum err status = asking.status; /* destroying ends what is pending, which would overwrite it */
    ev_timer_stop(asking.loop, &timeout);
    rpc_client_destroy(&asking.client);
    ev_loop_destroy(asking.loop);
    return status;
}
