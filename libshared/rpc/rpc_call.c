/* rpc_call.c - one call: find its method, ask whether it may, decode, run, encode, commit, log. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "libshared/base/clock.h"
#include "libshared/base/turn.h"
#include "libshared/db/pg.h"
#include "libshared/rpc/rpc_server_private.h"

const struct rpc_method *rpc_find_method(const struct rpc_method *methods, size_t n, struct str name)
{
    for (size_t i = 0; i < n; i++)
        if (str_is(name, methods[i].name)) return &methods[i];
    return NULL;
}

/* What a peer says of its time is any number. */
int64_t rpc_call_deadline_us(int64_t began_us, int64_t budget_ms)
{
    if (budget_ms < 0) budget_ms = 0;
    return began_us + (budget_ms < RPC_BUDGET_MAX ? budget_ms : RPC_BUDGET_MAX) * 1000;
}

/* The operator has a shell on the machine and the key to prove it: `build/bin/rpc`. */
bool rpc_may_call(const struct rpc_method *method, struct str peer_name)
{
    if (str_is(peer_name, "operator")) return true;
    for (struct str rest = str_of(method->callers); rest.len > 0;) {
        struct str word = str_cut(&rest, ' ');
        if (word.len > 0 && str_eq(word, peer_name)) return true;
    }
    return false;
}

enum err call_fail(struct call *call, enum err e, const char *fmt, ...)
{
    struct wire_error *why = call->why;
    va_list args;
    va_start(args, fmt);
    vsnprintf(why->text, sizeof why->text, fmt, args);
    va_end(args);

    size_t len = strspn(why->text, "abcdefghijklmnopqrstuvwxyz0123456789_.[]");
    if (len > 0 && len < sizeof why->field && why->text[len] == ':') {
        memcpy(why->field, why->text, len);
        why->field[len] = '\0';
    }
    return e;
}

void call_note(struct call *call, struct log_field field)
{
    if (call->n_notes < COUNT(call->notes)) call->notes[call->n_notes++] = field;
}

struct call call_on_worker(const struct call *call, struct pg *pg, struct arena *arena)
{
    struct call copy = *call;

    copy.pg = pg;
    copy.arena = arena;
    copy.fetcher = NULL;
    copy.is_copy = true;
    return copy;
}

void call_after(struct call *call, void (*run)(struct rpc_server *, void *, void *), void *arg)
{
    struct call_after **last = &call->after;

    assert(!call->is_copy);
    while (*last != NULL) last = &(*last)->next;
    *last = arena_alloc(call->arena, sizeof **last);
    **last = (struct call_after){ run, arg, NULL };
}

enum err rpc_call_decode(const struct rpc_method *method, struct call *call, struct str body, void **req)
{
    if (turn_us() >= call->deadline_us)
        return call_fail(call, ERR_DEADLINE, "it waited for its turn until its time was over");
    *req = arena_zero(call->arena, method->req()->size + 1); /* `nothing` has no size */
    TRY(wire_decode(method->req(), body, call->arena, *req, call->why));
    rpc_admit_fn *admit = call->server != NULL ? call->server->config.admit : NULL;
    return admit != NULL ? admit(call, method->req(), *req) : OK;
}

enum err rpc_call_encode(const struct rpc_method *method, struct call *call, const void *rep, struct buf *out)
{
    enum err e = wire_encode(method->rep(), rep, out);
    if (out->over) return call_fail(call, ERR_TOO_LARGE, "the answer is too large; ask for less");
    if (e != OK) return call_fail(call, e, "the answer of %s does not have its shape", method->name);
    return OK;
}

enum err rpc_call_run(const struct rpc_method *method, struct call *call, struct str body, struct buf *out)
{
    void *req;
    TRY(rpc_call_decode(method, call, body, &req));
    void *rep = arena_zero(call->arena, method->rep()->size + 1);
    TRY(method->run(call, req, rep));
    if (arena_is_over(call->arena)) return call_fail(call, ERR_TOO_LARGE, "it needs more memory than one request may");
    return rpc_call_encode(method, call, rep, out);
}

enum err rpc_call_settle(struct call *call, enum err e, struct buf *out)
{
    if (e == OK && call->pg != NULL)
        e = pg_commit(call->pg);
    else if (call->pg != NULL)
        pg_rollback(call->pg);
    if (e == OK) return OK;

    buf_clear(out); /* perhaps half a reply */
    if (call->why->text[0] == '\0') snprintf(call->why->text, sizeof call->why->text, "%s", err_text(e));
    if (e == ERR_OVERLOADED && call->why->retry_after_ms == 0) call->why->retry_after_ms = RPC_RETRY_MS;
    frame_put_failure(out, e, call->why);
    return e;
}

/* Succeeding calls of the hot paths are too many to write each of them down. */
static enum log_level level_of(enum rpc_where where, enum err e)
{
    if (e == ERR_INTERNAL) return LOG_ERROR;
    return e == OK && !rpc_runs_on_thread(where) ? LOG_DEBUG : LOG_INFO;
}

void rpc_call_log(const struct call *call, enum rpc_where where, struct str method, int64_t us, enum err e)
{
    static struct log_bound overloads; /* a service that has too much to do writes no log instead */
    enum log_level level = level_of(where, e);
    int64_t left_out = 0;
    if (level < log_threshold() || (e == ERR_OVERLOADED && !log_may_write(&overloads, &left_out))) return;

    struct log_field fields[10 + COUNT(call->notes) + 1] = {
        F_STR("call", method),
        F_STR("peer", call->peer_name),
        F_STR("who", call->who->sub),
        F_STR("session", call->who->session),
        F_STR("trace", call->trace),
        F_INT("us", us),
        F_INT("arena", arena_used(call->arena)),
        F_TEXT("out", err_code(e)),
    };
    unsigned n = 8;
    if (e != OK) fields[n++] = F_TEXT("why", call->why->text);
    fields[n++] = F_SOME("left_out", left_out);
    for (unsigned i = 0; i < call->n_notes; i++) fields[n++] = call->notes[i];
    fields[n] = (struct log_field){ .kind = LOG_END };
    log_write(level, "call", fields);
}

static enum err answer_later(const struct rpc_method *method, struct call *call, struct str body, struct buf *out)
{
    struct rpc_later later = { .method = method, .call = *call, .reply = *out, .status = ERR_COUNT };
    void *req;
    TRY(rpc_call_decode(method, call, body, &req));
    method->begin(&later.call, req, &later);
    assert(later.status != ERR_COUNT && "without a server there is nobody to answer later");
    *out = later.reply;
    return later.status;
}

static enum err answer_call(const struct rpc_method *methods, size_t n, struct call *call,
    const struct frame_request *head, struct str body, struct buf *out)
{
    const struct rpc_method *method = rpc_find_method(methods, n, head->method);
    if (method == NULL) return call_fail(call, ERR_NO_METHOD, "there is no method %.*s", STR_ARG(head->method));
    if (!rpc_may_call(method, call->peer_name))
        return call_fail(call, ERR_FORBIDDEN, "%.*s may not call %s", STR_ARG(call->peer_name), method->name);
    if (method->where == LATER) return answer_later(method, call, body, out);
    return rpc_call_run(method, call, body, out);
}

enum err rpc_server_answer(const struct rpc_method *methods, size_t n, void *context, struct rpc_thread *on,
    const struct frame_request *head, struct str peer_name, struct str body, struct buf *out)
{
    struct wire_error why = { .field = "" };
    int64_t began_us = clock_mono_us();
    struct call call = {
        .arena = on->arena,
        .pg = on->pg,
        .who = &head->who,
        .trace = head->trace,
        .peer_name = peer_name,
        .now = clock_ms(),
        .deadline_us = rpc_call_deadline_us(began_us, head->budget_ms),
        .context = context,
        .why = &why,
    };
    enum err e = rpc_call_settle(&call, answer_call(methods, n, &call, head, body, out), out);
    if (e == OK)
        for (struct call_after *after = call.after; after != NULL; after = after->next)
            after->run(NULL, context, after->arg);
    rpc_call_log(&call, WORKER, head->method, clock_mono_us() - began_us, e);
    arena_reset(on->arena);
    return e;
}
