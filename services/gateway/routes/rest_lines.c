/* rest_lines.c - an answer of lines that a service makes part by part: the row's method says the first part and what comes after it, and
 * is asked again when that is written.
 *
 *      method --> | part | --> the client, as fast as it reads --> all written, `next`? --> method
 *
 * Between two parts nothing is open anywhere: a client that reads slowly holds one part, here.
 */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <string.h>
#include <utlist.h>

#include "libshared/base/holding.h"
#include "services/gateway/routes/rest_private.h"

#define FLOWS_MAX    64 /* of this gateway */
#define FLOWS_OF_ONE 4  /* of one subject */
#define NEXT_BYTES   1600
#define QUERY_BYTES  4096 /* a json_lines_query, by the bounds of its fields */
#define RETRY_MS     2000

struct line_flow {
    struct line_flow *prev, *next;
    struct rest *rest; /* NULL: it is over, or the client hung up */
    struct routes *routes;
    struct id room;
    char after[NEXT_BYTES]; /* the next part's */
    size_t after_len;       /* 0: the part that is here is the last one */
    char *text;
    size_t len, used;
    bool asked;
    int64_t written;   /* of all parts */
    bool begun, whole; /* the answer */
    size_t counted;    /* bytes, in the connection's holding */
    struct piece_turn turn;
};

static void flow_release(struct line_flow *flow)
{
    if (flow->rest != NULL || flow->asked) return;
    assert(flow->routes->in_flight > 0 && !flow->turn.waits);
    flow->routes->in_flight--;
    mem_free(flow->text);
    mem_free(flow);
}

void rest_lines_leave(struct rest *rest)
{
    struct line_flow *flow = rest->lines;

    if (flow == NULL) return;
    if (flow->begun) rest_log(rest, rest->row->status, flow->whole ? "ok" : "cut", flow->written);
    holding_set_anyway(http_holding(rest->http), &flow->counted, 0);
    pieces_leave(&flow->routes->pieces, &flow->turn);
    DL_DELETE(flow->routes->flows, flow);
    rest->lines = NULL;
    flow->rest = NULL;
    flow_release(flow);
}

/* --- a part --- */

static enum err keep_part(struct line_flow *flow, const struct json_lines *part)
{
    TRY(holding_set(http_holding(flow->rest->http), &flow->counted, part->text.len));
    mem_free(flow->text);
    flow->text = mem_alloc(part->text.len + 1);
    memcpy(flow->text, part->text.at, part->text.len);
    flow->len = part->text.len;
    flow->used = 0;
    assert(part->next.len <= NEXT_BYTES);
    memcpy(flow->after, part->next.at != NULL ? part->next.at : "", part->next.len);
    flow->after_len = part->next.len;
    flow->room = part->room;
    return OK;
}

static enum err take_part(struct line_flow *flow, struct str body)
{
    struct arena *scratch = flow->routes->scratch;
    struct json_lines part = { .text = STR_NONE };
    struct wire_error why;
    enum err e = wire_decode(json_lines_shape(), body, scratch, &part, &why);

    if (e == OK && !rest_charge_bytes(flow->rest, (int64_t)part.text.len)) e = ERR_RATE_LIMITED;
    if (e == OK) e = keep_part(flow, &part);
    arena_reset(scratch);
    return e;
}

static void on_part(void *arg, enum err status, struct str body)
{
    struct line_flow *flow = arg;
    struct pieces *pieces = &flow->routes->pieces;

    flow->asked = false;
    if (flow->rest == NULL)
        flow_release(flow);
    else if (status == OK && take_part(flow, body) == OK)
        http_want_write(flow->rest->http);
    else
        http_abort(flow->rest->http); /* the client sees that it is cut, and where it goes on */
    pieces_end(pieces);
}

/* What its token may has perhaps changed since the part before. */
static bool is_allowed_still(struct line_flow *flow)
{
    struct rest *rest = flow->rest;
    char room[ID_TEXT_BYTES + 1];

    id_format(flow->room, room);
    return rights_renew(flow->routes->bearers, http_address(rest->http), &rest->rights) == OK &&
           rest_is_allowed(rest, str_of(room));
}

static void ask_for_part(void *arg)
{
    struct line_flow *flow = arg;
    struct rest *rest = flow->rest;
    struct buf body = BUF(QUERY_BYTES);

    if (!pieces_have_room(&flow->routes->pieces)) {
        pieces_wait(&flow->routes->pieces, &flow->turn);
        return;
    }
    if (!is_allowed_still(flow)) {
        http_abort(rest->http);
        return;
    }
    struct principal who = rest_principal(rest);
    const struct json_lines_query query = { flow->room, { flow->after, flow->after_len } };
    enum err e = wire_encode(json_lines_query_shape(), &query, &body);
    assert(e == OK); /* within its bounds */
    flow->asked = true;
    pieces_begin(&flow->routes->pieces);
    method_call(flow->routes->service[rest->row->service], rest->row->method, &who, str_of(rest->trace), buf_str(&body),
        on_part, flow);
    buf_free(&body);
}

/* --- answering --- */

static void end_flow(struct rest *rest)
{
    http_set_user(rest->http, NULL);
    rest_lines_leave(rest);
    rest->http = NULL;
    rest_end(rest);
}

void rest_lines_write(struct rest *rest)
{
    struct line_flow *flow = rest->lines;
    struct http *http = rest->http;

    if (flow->asked || flow->turn.waits) return;
    struct str left = { flow->text + flow->used, flow->len - flow->used };
    size_t took = http_write(http, left);
    flow->used += took;
    flow->written += (int64_t)took;
    if (took < left.len) return;
    if (flow->after_len > 0) {
        ask_for_part(flow);
        return;
    }
    flow->whole = true;
    end_flow(rest);
    http_reply_end(http);
}

static bool has_place(const struct rest *rest)
{
    struct str subject = bearer_subject(rest->rights.bearer);
    size_t n = 0, own = 0;
    struct line_flow *flow;

    DL_FOREACH(rest->routes->flows, flow) {
        n++;
        own += str_eq(bearer_subject(flow->rest->rights.bearer), subject);
    }
    return n < FLOWS_MAX && own < FLOWS_OF_ONE;
}

static void flow_create(struct rest *rest)
{
    struct line_flow *flow = mem_zero(sizeof *flow);

    flow->rest = rest;
    flow->routes = rest->routes;
    flow->turn = (struct piece_turn){ .go = ask_for_part, .arg = flow };
    DL_APPEND(rest->routes->flows, flow);
    rest->routes->in_flight++;
    rest->lines = flow;
}

void rest_lines_begin(struct rest *rest, struct str body)
{
    struct rest_headers headers;

    if (!has_place(rest)) {
        struct failure failure = refusal_later(ERR_OVERLOADED, RETRY_MS);
        rest_fail_with(rest, ERR_OVERLOADED, &failure, NULL);
        return;
    }
    flow_create(rest);
    enum err e = take_part(rest->lines, body);
    if (e != OK) {
        rest_refuse(rest, e, &(struct wire_error){ .limit = -1 });
        return;
    }
    rest_headers(rest, rest->row->status, &headers);
    rest_headers_add(&headers, "Accept-Ranges", STR("none"));
    rest->lines->begun = true;
    if (http_reply_begin(rest->http, rest->row->status, LINES_TYPE, -1, headers.at, headers.n)) return;
    rest->lines->whole = true;
    end_flow(rest);
}
