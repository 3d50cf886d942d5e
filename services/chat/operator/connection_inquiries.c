/* connection_inquiries.c - questions to gateways that wait for reports, and what operators are answered. */
// SPDX-License-Identifier: Apache-2.0
#include "services/chat/operator/connection_inquiries.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <ev.h>
#include <utlist.h>

#include "libshared/base/clock.h"
#include "libshared/base/invariant.h"
#include "libshared/base/network.h"
#include "services/chat/operator/operator.h"

#define ANSWER_S      2.0              /* a gateway that has not reported by then is named */
#define GATHER_US     INT64_C(2000000) /* gateways are back by then, when chat was away */
#define INQUIRIES_MAX 64
#define PAGE_MAX      200        /* proto/chat.def: connection_query.limit */
#define PAGE_BYTES    (1u << 20) /* of one page, where its entries are long */
#define REPORT_BYTES  (1u << 20)

struct asked_gateway {
    const struct rpc_peer *peer; /* NULL: its pipe is gone */
    struct str id;
    bool has_reported;
    struct connection_report report;
};

/* Everything in it lives in its call's arena. */
struct connection_inquiry {
    struct connection_inquiries *home;
    struct rpc_later *later;
    struct connection_question question;
    struct asked_gateway *gateways; /* NULL: they are not asked yet */
    size_t n, n_waiting;
    bool is_asking; /* it is in the list */
    ev_timer timer;
    void (*end)(struct connection_inquiry *inquiry); /* all have reported, or are named as silent */
    const struct connection_end *ending;
    struct connection_inquiry *prev, *next;
};

struct connection_inquiries {
    const struct chat *chat;
    struct connection_inquiry *first;
    size_t n;
    int64_t last; /* the newest question's number */
    int64_t born_us;
};

/* Who is waited for has not reported, and a timer says for how long. */
static void inquiry_check(const struct connection_inquiry *inquiry)
{
    size_t n_waiting = 0;

    for (size_t i = 0; i < inquiry->n; i++)
        n_waiting += inquiry->gateways[i].peer != NULL && !inquiry->gateways[i].has_reported;
    assert(n_waiting == inquiry->n_waiting);
    assert(inquiry->gateways == NULL || n_waiting > 0);
    assert(inquiry->is_asking && (ev_is_active(&inquiry->timer) || ev_is_pending(&inquiry->timer)));
}

static void inquiries_check(const struct connection_inquiries *inquiries)
{
    const struct connection_inquiry *inquiry;
    size_t n = 0;

    DL_FOREACH(inquiries->first, inquiry) {
        inquiry_check(inquiry);
        n++;
    }
    assert(n == inquiries->n);
}

/* --- asking --- */

static void leave_list(struct connection_inquiry *inquiry)
{
    struct connection_inquiries *inquiries = inquiry->home;

    ev_timer_stop(inquiries->chat->loop, &inquiry->timer);
    DL_DELETE(inquiries->first, inquiry);
    inquiries->n--;
    inquiry->is_asking = false;
}

static void finish_inquiry(struct connection_inquiry *inquiry)
{
    leave_list(inquiry);
    inquiry->end(inquiry);
}

/* Its call is forgotten with the server, before anybody has answered. */
static void drop_inquiry(void *arg)
{
    struct connection_inquiry *inquiry = arg;

    if (inquiry->is_asking) leave_list(inquiry);
}

static bool is_asked(const struct connection_inquiry *inquiry, struct str gateway)
{
    struct str only = inquiry->question.which->gateway;

    return only.len == 0 || str_eq(only, gateway);
}

static void ask_gateways(struct connection_inquiry *inquiry)
{
    const struct chat *chat = inquiry->home->chat;
    struct arena *arena = rpc_later_call(inquiry->later)->arena;
    struct rpc_event *event =
        rpc_event_create((struct id){ 0 }, 0, "connection.asked", connection_question_shape(), &inquiry->question);
    size_t n = gateways_count(chat->gateways);

    inquiry->gateways = arena_zero(arena, (n + 1) * sizeof *inquiry->gateways);
    for (size_t i = 0; i < n; i++) {
        struct gateway_ref gateway = gateways_at(chat->gateways, i);
        if (!is_asked(inquiry, gateway.id)) continue;
        inquiry->gateways[inquiry->n++] =
            (struct asked_gateway){ .peer = gateway.peer, .id = arena_str(arena, gateway.id) };
        (void)rpc_event_send(chat->server, gateway.peer, event); /* a full pipe: it is silent */
    }
    rpc_event_destroy(&event);
    inquiry->n_waiting = inquiry->n;
}

static void on_time(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct connection_inquiry *inquiry = timer->data;
    struct connection_inquiries *inquiries = inquiry->home;

    (void)events;
    if (inquiry->gateways == NULL) {
        ask_gateways(inquiry);
        ev_timer_set(timer, ANSWER_S, 0);
        ev_timer_start(loop, timer);
    }
    if (inquiry->n_waiting == 0 || !ev_is_active(timer)) finish_inquiry(inquiry);
    CHECK_STEP(inquiries_check(inquiries));
}

/* Its gateways are asked at once, or when those are there that chat lost when it began anew. */
static void begin_inquiry(struct connection_inquiry *inquiry, void (*end)(struct connection_inquiry *inquiry))
{
    struct connection_inquiries *inquiries = inquiry->home;
    int64_t wait_us = inquiries->born_us + GATHER_US - clock_mono_us();

    inquiry->end = end;
    inquiry->gateways = NULL;
    inquiry->n = inquiry->n_waiting = 0;
    inquiry->question.ask = ++inquiries->last;
    DL_APPEND(inquiries->first, inquiry);
    inquiries->n++;
    inquiry->is_asking = true;
    ev_timer_init(&inquiry->timer, on_time, wait_us > 0 ? (double)wait_us / 1e6 : 0, 0);
    inquiry->timer.data = inquiry;
    ev_timer_start(inquiries->chat->loop, &inquiry->timer);
    CHECK_STEP(inquiries_check(inquiries));
}

/* --- what gateways report --- */

static struct connection_inquiry *find_inquiry(const struct connection_inquiries *inquiries, int64_t ask)
{
    struct connection_inquiry *inquiry;

    DL_SEARCH_SCALAR(inquiries->first, inquiry, question.ask, ask);
    return inquiry;
}

static struct asked_gateway *find_asked(const struct connection_inquiry *inquiry, const struct rpc_peer *peer)
{
    for (size_t i = 0; i < inquiry->n; i++)
        if (inquiry->gateways[i].peer == peer && !inquiry->gateways[i].has_reported) return &inquiry->gateways[i];
    return NULL;
}

/* A copy in the inquiry's arena. */
static enum err keep_report(
    struct connection_inquiry *inquiry, const struct connection_report *req, struct connection_report *out)
{
    struct arena *arena = rpc_later_call(inquiry->later)->arena;
    struct buf body = BUF(REPORT_BYTES);
    struct wire_error why;
    enum err e = wire_encode(connection_report_shape(), req, &body);

    if (e == OK && !arena_fits(arena, 4 * buf_str(&body).len)) e = ERR_TOO_LARGE;
    if (e == OK) e = wire_decode(connection_report_shape(), arena_str(arena, buf_str(&body)), arena, out, &why);
    buf_free(&body);
    return e;
}

enum err connection_report(struct call *call, const struct connection_report *req, struct nothing *rep)
{
    struct connection_inquiries *inquiries = ((struct chat *)call->context)->connection_inquiries;
    struct connection_inquiry *inquiry = find_inquiry(inquiries, req->ask);
    struct asked_gateway *gateway = inquiry != NULL ? find_asked(inquiry, call->peer) : NULL;

    (void)rep;
    if (gateway == NULL) return OK; /* it was too late */
    TRY(keep_report(inquiry, req, &gateway->report));
    gateway->has_reported = true;
    if (--inquiry->n_waiting == 0) finish_inquiry(inquiry);
    CHECK_STEP(inquiries_check(inquiries));
    return OK;
}

/* Whether that was its death or its pipe's nobody knows: it is silent. */
void connection_inquiries_forget_peer(const struct chat *chat, const struct rpc_peer *peer)
{
    struct connection_inquiry *inquiry, *next;

    DL_FOREACH_SAFE(chat->connection_inquiries->first, inquiry, next) {
        struct asked_gateway *gateway = find_asked(inquiry, peer);
        if (gateway == NULL) continue;
        gateway->peer = NULL;
        if (--inquiry->n_waiting == 0) finish_inquiry(inquiry);
    }
    CHECK_STEP(inquiries_check(chat->connection_inquiries));
}

static struct str_list list_silent(const struct connection_inquiry *inquiry)
{
    struct arena *arena = rpc_later_call(inquiry->later)->arena;
    struct str_list silent = { arena_alloc(arena, (inquiry->n + 1) * sizeof *silent.at), 0 };

    for (size_t i = 0; i < inquiry->n; i++)
        if (!inquiry->gateways[i].has_reported) silent.at[silent.len++] = inquiry->gateways[i].id;
    return silent;
}

/* --- a page of all reports --- */

static int compare_ids(struct id a, struct id b)
{
    return memcmp(a.b, b.b, sizeof a.b);
}

static int compare_connections(const void *a, const void *b)
{
    return compare_ids(((const struct connection *)b)->id, ((const struct connection *)a)->id);
}

static struct connection_list gather_connections(const struct connection_inquiry *inquiry)
{
    struct connection_list all = { NULL, 0 };
    size_t n = 0;

    for (size_t i = 0; i < inquiry->n; i++) n += inquiry->gateways[i].report.connections.len;
    all.at = arena_alloc(rpc_later_call(inquiry->later)->arena, (n + 1) * sizeof *all.at);
    for (size_t i = 0; i < inquiry->n; i++) {
        struct connection_list some = inquiry->gateways[i].report.connections;
        for (size_t k = 0; k < some.len; k++) all.at[all.len++] = some.at[k];
    }
    if (all.len > 1) qsort(all.at, all.len, sizeof *all.at, compare_connections);
    return all;
}

/* Behind the last one that a gateway reports it may have others, which are before what others report. */
static size_t count_known(const struct connection_inquiry *inquiry, struct connection_list all)
{
    struct id from = { { 0 } };
    size_t n = 0;

    for (size_t i = 0; i < inquiry->n; i++) {
        const struct connection_report *report = &inquiry->gateways[i].report;
        if (!report->more || report->connections.len == 0) continue;
        struct id last = report->connections.at[report->connections.len - 1].id;
        if (compare_ids(last, from) > 0) from = last;
    }
    while (n < all.len && compare_ids(all.at[n].id, from) >= 0) n++;
    return n;
}

static size_t entry_bytes(const struct connection *connection)
{
    return 200 + connection->agent.len + connection->sockets.len * 1024;
}

static size_t count_shown(struct connection_list all, size_t n_known, int64_t limit)
{
    size_t n = 0, bytes = 0;

    while (n < n_known && (int64_t)n < limit && bytes < PAGE_BYTES) bytes += entry_bytes(&all.at[n++]);
    return n;
}

static bool has_more(const struct connection_inquiry *inquiry)
{
    for (size_t i = 0; i < inquiry->n; i++)
        if (inquiry->gateways[i].report.more) return true;
    return false;
}

static void answer_page(struct connection_inquiry *inquiry)
{
    struct arena *arena = rpc_later_call(inquiry->later)->arena;
    struct connection_list all = gather_connections(inquiry);
    struct page_meta meta = { .limit = inquiry->question.which->limit, .total = -1 };
    struct connection_page page = { .silent = list_silent(inquiry), .meta = &meta };
    size_t n = count_shown(all, count_known(inquiry, all), meta.limit);

    page.connections = (struct connection_list){ all.at, n };
    if (n > 0 && (n < all.len || has_more(inquiry))) meta.next = id_text(arena, all.at[n - 1].id);
    rpc_later_done(inquiry->later, OK, &page);
}

static void answer_one(struct connection_inquiry *inquiry)
{
    struct connection_list all = gather_connections(inquiry);
    struct call *call = rpc_later_call(inquiry->later);
    enum err e = OK;

    if (all.len == 0 && list_silent(inquiry).len > 0)
        e = call_fail(call, ERR_UNAVAILABLE, "a gateway does not answer, which may have it");
    else if (all.len == 0)
        e = call_fail(call, ERR_NOT_FOUND, "there is no such connection");
    rpc_later_done(inquiry->later, e, &all.at[0]);
}

/* --- questions of operators --- */

/* Subjects that are ids of users are written in small letters. */
static struct str spell_subject(struct arena *arena, struct str subject)
{
    struct id id;

    return id_parse(subject, &id) ? id_text(arena, id) : subject;
}

static enum err spell_address(struct call *call, struct str *address)
{
    struct network network;
    char text[NETWORK_CHARS];

    if (address->len == 0) return OK;
    if (!network_parse(*address, &network))
        return call_fail(
            call, ERR_INVALID_ARGUMENT, "address: is neither an address nor a network such as 192.0.2.0/24");
    network_print(&network, text);
    *address = arena_str(call->arena, str_of(text));
    return OK;
}

static enum err make_inquiry(
    struct call *call, const struct connection_query *query, struct rpc_later *later, struct connection_inquiry **out)
{
    const struct chat *chat = call->context;
    struct connection_query *which = arena_copy(call->arena, query, sizeof *query);
    struct id after;

    if (chat->part > 0) return call_fail(call, ERR_UNAVAILABLE, "the first process of chat knows the gateways");
    if (chat->connection_inquiries->n >= INQUIRIES_MAX)
        return call_fail(call, ERR_OVERLOADED, "%d such questions are under way", INQUIRIES_MAX);
    if (which->after.len > 0 && !id_parse(which->after, &after))
        return call_fail(call, ERR_INVALID_ARGUMENT, "after: no page has given that");
    TRY(spell_address(call, &which->address));
    which->subject = spell_subject(call->arena, which->subject);
    *out = arena_zero(call->arena, sizeof **out);
    (*out)->home = chat->connection_inquiries;
    (*out)->later = later;
    (*out)->question.which = which;
    arena_on_reset(call->arena, drop_inquiry, *out);
    return OK;
}

static void ask(struct call *call, const struct connection_query *query, struct rpc_later *later,
    void (*end)(struct connection_inquiry *inquiry), const struct connection_end *ending)
{
    struct connection_inquiry *inquiry = NULL;
    enum err e = make_inquiry(call, query, later, &inquiry);

    if (e != OK) {
        rpc_later_done(later, e, NULL);
        return;
    }
    inquiry->ending = ending;
    begin_inquiry(inquiry, end);
}

void connection_list(struct call *call, const struct connection_query *req, struct rpc_later *later)
{
    ask(call, req, later, answer_page, NULL);
}

void connection_show(struct call *call, const struct connection_ref *req, struct rpc_later *later)
{
    ask(call, &(struct connection_query){ .connection = req->connection, .limit = 1 }, later, answer_one, NULL);
}

/* --- ending --- */

static void answer_ended(struct connection_inquiry *inquiry)
{
    struct connections_ended rep = { .silent = list_silent(inquiry) };

    for (size_t i = 0; i < inquiry->n; i++) rep.ended += inquiry->gateways[i].report.ended;
    rpc_later_done(inquiry->later, OK, &rep);
}

/* Whom it was done to, for the audit: one connection is its subject's.  It is logged, as an address is not: that is in the detail. */
static struct str target_of(const struct connection_inquiry *inquiry, struct arena *arena)
{
    const struct connection_query *which = inquiry->question.which;
    struct connection_list all = gather_connections(inquiry);

    if (which->subject.len > 0) return which->subject;
    if (which->session.len > 0) return which->session;
    if (which->key.len > 0) return which->key;
    if (which->address.len > 0) return STR("addresses");
    if (id_is_nil(which->connection)) return which->gateway;
    return all.len > 0 && all.at[0].subject.len > 0 ? all.at[0].subject : id_text(arena, which->connection);
}

/* On a worker: it is committed before any gateway hears of it. */
static enum err put_deed(struct pg *pg, struct arena *arena, void *arg)
{
    struct connection_inquiry *inquiry = arg;
    struct call call = call_on_worker(rpc_later_call(inquiry->later), pg, arena);

    return deed_put(
        &call, &audit_tell_job, "connection.end", target_of(inquiry, arena), connection_end_shape(), inquiry->ending);
}

static void on_deed(void *arg, enum err e)
{
    struct connection_inquiry *inquiry = arg;

    if (e != OK) {
        rpc_later_done(inquiry->later, e, NULL);
        return;
    }
    inquiry->question.ends = true;
    inquiry->question.back = inquiry->ending->back;
    begin_inquiry(inquiry, answer_ended);
}

/* What ends nothing is no deed; what a silent gateway has is to end, too. */
static void end_if_any(struct connection_inquiry *inquiry)
{
    static const struct rpc_step steps[] = { { WORKER, put_deed }, { 0 } };

    if (gather_connections(inquiry).len == 0 && list_silent(inquiry).len == 0)
        answer_ended(inquiry);
    else
        rpc_later_steps(inquiry->later, steps, on_deed, inquiry);
}

void connection_end(struct call *call, const struct connection_end *req, struct rpc_later *later)
{
    struct connection_query which = { .connection = req->connection,
        .subject = req->subject,
        .key = req->key,
        .session = req->session,
        .address = req->address,
        .gateway = req->gateway,
        .limit = 1 };
    bool says = !id_is_nil(req->connection) || req->subject.len + req->key.len + req->session.len > 0 ||
                req->address.len + req->gateway.len > 0;

    if (says)
        ask(call, &which, later, end_if_any, req);
    else
        rpc_later_done(later,
            call_fail(call, ERR_INVALID_ARGUMENT,
                "say which: a connection, a subject, a session, a key, an address or a gateway"),
            NULL);
}

/* --- its life --- */

struct connection_inquiries *connection_inquiries_create(const struct chat *chat)
{
    struct connection_inquiries *inquiries = mem_zero(sizeof *inquiries);

    inquiries->chat = chat;
    inquiries->born_us = clock_mono_us();
    return inquiries;
}

void connection_inquiries_destroy(struct connection_inquiries **inquiries)
{
    if (*inquiries == NULL) return;
    assert((*inquiries)->first == NULL);
    mem_free(*inquiries);
    *inquiries = NULL;
}
