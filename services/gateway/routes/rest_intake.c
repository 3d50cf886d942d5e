/* rest_intake.c - a body of lines that a service takes part by part, each of which ends with a mark: the row's method is asked with the first
 * one, then, when that is answered, with the next; what it says of the last one is the answer.
 *
 *      client --data--> | lines ... mark | rest --> method, with the mark before --> answered --> the next
 *
 * So nothing is open anywhere between two parts, and the gateway holds one of them, and what has come of the next.
 */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <string.h>

#include "libshared/base/holding.h"
#include "libshared/wire/json.h"
#include "services/gateway/routes/rest_private.h"

#define INTAKES_MAX 4       /* of this gateway */
#define PART_BYTES  2097152 /* proto/store.def: import_part.text */
#define ASK_BYTES   (PART_BYTES + 4096)
#define RETRY_MS    2000
#define MARK_BEGINS "{\"mark\":"

struct line_intake {
    struct rest *rest; /* NULL: it was answered, or the client hung up */
    struct routes *routes;
    struct buf text;  /* what has come and was not taken yet */
    size_t line_at;   /* in it: the line that is coming */
    size_t looked_at; /* up to here for its end */
    size_t part;      /* so many bytes of it are a part; 0: there is no mark yet */
    size_t asked;     /* so many the service has */
    char *after;      /* the mark before the part */
    int64_t line;     /* lines before it */
    bool held;        /* the client is to wait */
    enum err failed;  /* so the service said of a part, perhaps while the request waited for something else */
    size_t counted;   /* bytes, in the connection's holding */
    struct piece_turn turn;
};

static void intake_free(struct line_intake *intake)
{
    assert(intake->routes->in_flight > 0 && !intake->turn.waits);
    intake->routes->in_flight--;
    buf_free(&intake->text);
    mem_free(intake->after);
    mem_free(intake);
}

void rest_intake_leave(struct rest *rest)
{
    struct line_intake *intake = rest->intake;

    if (intake == NULL) return;
    holding_set_anyway(http_holding(rest->http), &intake->counted, 0);
    pieces_leave(&intake->routes->pieces, &intake->turn);
    intake->routes->intakes--;
    rest->intake = NULL;
    intake->rest = NULL;
    if (intake->asked == 0) intake_free(intake);
}

/* --- parts --- */

/* The end of the next line that is a mark; lines that were looked at are not again. */
static void find_mark(struct line_intake *intake)
{
    const struct buf *text = &intake->text;
    const char *end;

    while (intake->part == 0 && intake->looked_at < text->len &&
           (end = memchr(text->at + intake->looked_at, '\n', text->len - intake->looked_at)) != NULL) {
        struct str line = { text->at + intake->line_at, (size_t)(end - text->at) - intake->line_at };
        intake->line_at = intake->looked_at = (size_t)(end - text->at) + 1;
        if (str_starts(line, STR(MARK_BEGINS))) intake->part = intake->line_at;
    }
    if (intake->part == 0) intake->looked_at = text->len;
}

static int64_t count_lines(struct str text)
{
    int64_t n = 0;

    for (const char *at; text.len > 0 && (at = memchr(text.at, '\n', text.len)) != NULL; n++)
        text = str_skip(text, (size_t)(at - text.at) + 1);
    return n;
}

/* The service takes it only if it is one of its own. */
static void remember_mark(struct line_intake *intake, struct str part)
{
    size_t at = part.len - 1;
    struct str mark = STR_NONE;

    while (at > 0 && part.at[at - 1] != '\n') at--;
    (void)json_find_text((struct str){ part.at + at, part.len - 1 - at }, "mark", intake->routes->scratch, &mark);
    mem_free(intake->after);
    intake->after = mem_zero(mark.len + 1);
    if (mark.len > 0) memcpy(intake->after, mark.at, mark.len);
    arena_reset(intake->routes->scratch);
}

static void drop_part(struct line_intake *intake, size_t bytes)
{
    struct buf *text = &intake->text;
    struct str part = { text->at, bytes };

    intake->line += count_lines(part);
    remember_mark(intake, part);
    text->len -= bytes;
    memmove(text->at, text->at + bytes, text->len);
    intake->line_at -= bytes;
    intake->looked_at -= bytes;
    intake->part = 0;
    find_mark(intake);
}

/* What its token may has perhaps changed since the part before. */
static bool is_allowed_still(struct rest *rest)
{
    return rights_renew(rest->routes->bearers, http_address(rest->http), &rest->rights) == OK &&
           rest_is_allowed(rest, STR_NONE);
}

static void refuse_part(struct line_intake *intake, enum err e, const char *text)
{
    struct wire_error why = { .line = intake->line + 1 };

    (void)wire_refuse(&why, e, NULL, "line %lld: %s", (long long)intake->line + 1, text);
    rest_refuse(intake->rest, e, &why);
}

/* As much of the text as one part is; `whole`: nothing follows, and the answer is the client's. */
static void ask_with(struct line_intake *intake, size_t bytes, bool whole, rpc_reply_fn *done, void *arg)
{
    struct rest *rest = intake->rest;
    struct principal who = rest_principal(rest);
    struct buf body = BUF(ASK_BYTES);
    const struct import_part part = { intake->after != NULL ? str_of(intake->after) : STR_NONE, intake->line,
        { intake->text.len > 0 ? intake->text.at : "", bytes }, whole };

    buf_reserve(&body, bytes + 2048);
    enum err e = wire_encode(methods[rest->row->method].req(), &part, &body);
    if (e == OK)
        method_call(intake->routes->service[rest->row->service], rest->row->method, &who, str_of(rest->trace),
            buf_str(&body), done, arg);
    buf_free(&body);
    if (e != OK) done(arg, ERR_INTERNAL, STR_NONE);
}

static void go_on(void *arg);

/* What the service said lies in the place of the text. */
static void fail_as_service(struct line_intake *intake)
{
    struct failure failure = { 0 };

    rpc_failure_read(buf_str(&intake->text), http_arena(intake->rest->http), &failure);
    rest_fail_with(intake->rest, intake->failed, &failure, NULL);
}

static void on_taken(void *arg, enum err status, struct str body)
{
    struct line_intake *intake = arg;
    struct pieces *pieces = &intake->routes->pieces;
    size_t asked = intake->asked;

    intake->asked = 0;
    if (intake->rest == NULL) {
        intake_free(intake);
    } else if (status != OK) {
        intake->failed = status;
        buf_clear(&intake->text);
        buf_add_str(&intake->text, body);
        go_on(intake);
    } else {
        drop_part(intake, asked);
        go_on(intake);
    }
    pieces_end(pieces);
}

static void hold_client(struct line_intake *intake, bool hold)
{
    if (intake->held == hold) return;
    intake->held = hold;
    http_pause(intake->rest->http, hold);
}

/* The service is asked with what is there, if that is a part, or the end of the body. */
static void go_on(void *arg)
{
    struct line_intake *intake = arg;
    struct rest *rest = intake->rest;

    if (intake->asked > 0 || intake->turn.waits || rest->waits) return;
    if (intake->failed != OK) {
        fail_as_service(intake);
        return;
    }
    if (intake->part == 0 && !rest->whole) {
        hold_client(intake, false);
        return;
    }
    hold_client(intake, true);
    if (!is_allowed_still(rest)) {
        rest_fail(rest, ERR_FORBIDDEN);
    } else if (intake->part == 0) {
        rest_begin_wait(rest);
        ask_with(intake, intake->text.len, true, rest_take_reply, rest);
    } else if (!pieces_have_room(&intake->routes->pieces)) {
        pieces_wait(&intake->routes->pieces, &intake->turn);
    } else {
        intake->asked = intake->part;
        pieces_begin(&intake->routes->pieces);
        ask_with(intake, intake->part, false, on_taken, intake);
    }
}

/* --- the body --- */

void rest_intake_take(struct rest *rest, struct str bytes)
{
    struct line_intake *intake = rest->intake;
    enum err e = rest_charge_chunks(rest, bytes.len) ? OK : ERR_RATE_LIMITED;

    buf_add_str(&intake->text, bytes);
    if (e == OK) e = holding_set(http_holding(rest->http), &intake->counted, intake->text.cap);
    if (e != OK) {
        rest_refuse(rest, e, &(struct wire_error){ .limit = -1 });
        return;
    }
    find_mark(intake);
    if (intake->text.over || (intake->part == 0 ? intake->text.len : intake->part) > PART_BYTES)
        refuse_part(intake, ERR_TOO_LARGE, "from here to the next mark there are more than 2 MiB");
    else if (intake->part > 0)
        go_on(intake);
}

void rest_intake_end(struct rest *rest)
{
    go_on(rest->intake);
}

enum err rest_intake_begin(struct rest *rest, struct wire_error *why)
{
    why->retry_after_ms = RETRY_MS;
    if (rest->routes->intakes >= INTAKES_MAX) return ERR_OVERLOADED;
    struct line_intake *intake = mem_zero(sizeof *intake);
    intake->rest = rest;
    intake->routes = rest->routes;
    intake->text = BUF(2 * PART_BYTES);
    intake->turn = (struct piece_turn){ .go = go_on, .arg = intake };
    intake->routes->in_flight++;
    intake->routes->intakes++;
    rest->intake = intake;
    http_pause(rest->http, false);
    return OK;
}
