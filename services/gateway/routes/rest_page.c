/* rest_page.c - answers that a person reads: HTML of a service, or why there is none. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/http/message/cookie.h"
#include "libshared/page/page.h"
#include "services/gateway/routes/query.h"
#include "services/gateway/routes/rest_private.h"

#define PAGES_PATH     "/account"
#define FACTOR_PATH    "/account/factor"
#define FORM_BYTES_MAX 65536

static const struct wire_given_list NOTHING_GIVEN = { NULL, 0 };

static const struct page_text texts[] = {
#define SAY PAGE_TEXT_ROW
#include "services/gateway/routes/refusals.def"
#undef SAY
    { .name = NULL },
};

/* What ?lang or the cookie says, if it is one of ours, and else the browser. */
static enum page_language language_of(const struct rest *rest, const struct wire_given_list *given)
{
    enum page_language language;
    struct str kept;

    for (size_t i = given->len; i-- > 0;)
        if (str_is(given->at[i].name, "lang") && page_language_find(given->at[i].value, &language)) return language;
    if (cookie_find(http_header(rest->http, "cookie"), route_language_cookie()->name, &kept) == COOKIE_FOUND &&
        page_language_find(kept, &language))
        return language;
    return page_language_accepted(http_header(rest->http, "accept-language"));
}

/* Whatever a query says of it. */
static void give_refusal(const struct wire_shape *shape, enum err e, const struct failure *failure, struct arena *arena,
    struct wire_given_list *given)
{
    struct str wait = arena_printf(arena, "%lld", (long long)(failure->retry_after_ms + 999) / 1000);

    if (wire_find(shape, STR("refused")) == NULL) return;
    given_put(given, "refused", str_of(e == OK ? "" : err_code(e)));
    given_put(given, "refused_field", failure->field);
    given_put(given, "retry_after_s", wait);
}

void rest_give_page(struct rest *rest, const struct wire_shape *shape, struct wire_given_list *given)
{
    struct failure none = { .field = STR("") };

    if (!rest_is_page(rest)) return;
    if (wire_find(shape, STR("lang")) != NULL)
        given_put(given, "lang", str_of(page_language_code(language_of(rest, given))));
    give_refusal(shape, OK, &none, rest->routes->scratch, given);
}

static bool is_account_page(const struct rest *rest)
{
    struct str path = http_path(rest->http);

    return str_starts(path, STR(PAGES_PATH "/")) || str_is(path, PAGES_PATH);
}

bool rest_is_page(const struct rest *rest)
{
    return rest->row != NULL ? route_is_page(rest->row) : is_account_page(rest);
}

/* A person who follows a link to an interface is told in words, too, why there is nothing. */
bool rest_is_read_by_person(const struct rest *rest)
{
    return rest_is_page(rest) || (str_is(http_verb(rest->http), "GET") && http_wants_page(rest->http));
}

/* A page has secrets of its reader, and its address may be one. */
static void answer_html(
    struct rest *rest, int status, const char *code, const struct web_page *page, const struct http_header_out *more)
{
    struct rest_headers headers;
    enum page_needs needs = page->scripted ? PAGE_SCRIPTED : page->watched ? PAGE_WATCHED : PAGE_PLAIN;

    rest->indexed = page->indexed;
    rest_headers(rest, status, &headers);
    rest_headers_add(&headers, "Content-Security-Policy", str_of(rest->routes->page_policy[needs]));
    rest_headers_add(&headers, "Referrer-Policy", STR("no-referrer"));
    rest_headers_add(&headers, "Cross-Origin-Opener-Policy", STR("same-origin"));
    rest_headers_add(&headers, "Vary", STR("Accept-Language, Cookie"));
    if (more != NULL) rest_headers_add(&headers, more->name, more->value);
    rest_finish(rest, status, code, "text/html; charset=utf-8", page->html, &headers);
}

static const struct web_page *page_of(const struct wire_shape *shape, const void *record)
{
    if (shape == web_page_shape()) return record;
    return *(const struct web_page *const *)(const void *)((const char *)record + wire_find(shape, STR("page"))->at);
}

void rest_answer_page(struct rest *rest, struct str body)
{
    const struct wire_shape *shape = methods[rest->row->method].rep();
    void *record = arena_zero(http_arena(rest->http), shape->size);
    struct wire_error why;

    enum err e = wire_decode(shape, body, http_arena(rest->http), record, &why);
    if (e == OK) e = rest_set_cookies(rest, shape, record);
    if (e != OK) {
        rest_fail(rest, ERR_INTERNAL);
        return;
    }
    const struct web_page *page = page_of(shape, record);
    if (page->url.len > 0)
        rest_answer(rest, 303, "ok", STR_NONE, &(struct http_header_out){ "Location", page->url });
    else
        answer_html(rest, (int)page->status, page->status < 400 ? "ok" : "page", page, NULL);
}

/* By what somebody can do about it. */
static const char *reason_of(enum err e)
{
    int status = err_status(e);

    if (e == ERR_ORIGIN_REFUSED) return "sent_from_elsewhere";
    if (status == 429) return "too_often";
    if (status == 401) return "signed_out";
    if (status == 403) return "not_allowed";
    if (status == 404 || status == 410) return "not_there";
    return status >= 500 ? "out_of_order" : "not_understood";
}

static void put_refusal(struct rest *rest, enum err e, const struct http_header_out *more)
{
    bool is_ours = is_account_page(rest);
    struct page page;

    page_begin(&page, texts, language_of(rest, &NOTHING_GIVEN), "title");
    page_put(&page,
        "<h1>{title}</h1><p>{reason}</p><p><a href=\"{path}\">{where}</a></p><p class=\"quiet\" "
        "data-code=\"{code}\">{code} · {trace}</p>",
        PAGE_VALUES({ "reason", str_of(page_text(&page, reason_of(e))) },
            { "path", is_ours ? STR(PAGES_PATH) : STR("/") },
            { "where", str_of(page_text(&page, is_ours ? "go_on" : "first_page")) }, { "code", str_of(err_code(e)) },
            { "trace", str_of(rest->trace) }));
    struct web_page refusal = { .html = page_end(&page, http_arena(rest->http)) };
    answer_html(rest, err_status(e), err_code(e), &refusal, more);
}

/* --- a form that was refused is shown again, with why and what was typed --- */

static void on_form(void *arg, enum err e, struct str body)
{
    struct rest *rest = arg;
    struct web_page page = { .html = STR_NONE };
    struct wire_error why;
    const struct http_header_out *more = rest->refused_more.name != NULL ? &rest->refused_more : NULL;

    rest_end_wait(rest);
    if (rest->http == NULL)
        rest_end(rest);
    else if (e != OK || wire_decode(web_page_shape(), body, http_arena(rest->http), &page, &why) != OK)
        put_refusal(rest, rest->refused, more);
    else
        answer_html(rest, err_status(rest->refused), err_code(rest->refused), &page, more);
}

/* What the page knows of what was typed; passwords and codes are none of its fields. */
static void give_typed(struct rest *rest, const struct wire_shape *shape, struct wire_given_list *given)
{
    struct wire_given_list typed;
    struct wire_error why;

    given_begin(&typed, http_arena(rest->http));
    if (form_read(shape, http_body(rest->http), http_arena(rest->http), &typed, &why) != OK) return;
    for (size_t i = 0; i < typed.len; i++)
        if (wire_find(shape, typed.at[i].name) != NULL) given->at[given->len++] = typed.at[i];
}

static enum err encode_form(
    struct rest *rest, const struct wire_shape *shape, const struct failure *failure, bool typed, struct buf *out)
{
    struct arena *arena = http_arena(rest->http);
    void *record = arena_zero(arena, shape->size);
    struct wire_given_list given;
    struct wire_error why;

    given_begin(&given, arena);
    if (typed) give_typed(rest, shape, &given);
    given_put(&given, "lang", str_of(page_language_code(language_of(rest, &NOTHING_GIVEN))));
    give_refusal(shape, rest->refused, failure, arena, &given);
    TRY(wire_read_json_over(shape, STR("{}"), given, arena, record, &why));
    return wire_encode(shape, record, out);
}

/* It is the answer of the row that shows it.  What was typed and is out of its bounds is left out, with the rest. */
static bool ask_for_form(struct rest *rest, const struct failure *failure)
{
    struct route_params params;
    char allow[ROUTE_METHODS_BYTES];
    const struct route_row *form = route_find(STR("GET"), str_of(rest->row->form), &params, allow);
    struct principal who = rest_principal(rest);
    struct buf body = BUF(FORM_BYTES_MAX);

    const struct wire_shape *shape = methods[form->method].req();
    enum err e = encode_form(rest, shape, failure, true, &body);
    if (e != OK) {
        buf_clear(&body);
        e = encode_form(rest, shape, failure, false, &body);
    }
    if (e == OK) {
        rest_begin_wait(rest);
        method_call(rest->routes->service[form->service], form->method, &who, str_of(rest->trace), buf_str(&body),
            on_form, rest);
    }
    buf_free(&body);
    return e == OK;
}

/* Another site's form is none of ours. */
void rest_refuse_page(struct rest *rest, enum err e, const struct failure *failure, const struct http_header_out *more)
{
    bool has_form = rest->row != NULL && rest->row->answer == ANSWER_THEN && rest->whole && e != ERR_ORIGIN_REFUSED;

    rest->refused = e;
    if (more != NULL)
        rest->refused_more = (struct http_header_out){ more->name, arena_str(http_arena(rest->http), more->value) };
    if (!has_form || !ask_for_form(rest, failure)) put_refusal(rest, e, more);
}

/* A session whose second factor is asked for: the cookie that it has goes to that page alone. */
static bool is_pending(const struct wire_shape *shape, const void *record)
{
    const struct wire_field *pending = wire_find(shape, STR("pending"));

    return pending != NULL && pending->kind == WIRE_TEXTS &&
           ((const struct str_list *)(const void *)((const char *)record + pending->at))->len > 0;
}

void rest_follow(struct rest *rest, struct str body)
{
    const struct wire_shape *shape = methods[rest->row->method].rep();
    void *record = arena_zero(http_arena(rest->http), shape->size + 1); /* `nothing` has no size */
    struct wire_error why;

    enum err e = wire_decode(shape, body, http_arena(rest->http), record, &why);
    const char *next = e == OK && is_pending(shape, record) ? FACTOR_PATH : rest->row->next;
    if (e == OK) e = rest_set_cookies(rest, shape, record);
    if (e == OK)
        rest_answer(rest, 303, "ok", STR_NONE, &(struct http_header_out){ "Location", str_of(next) });
    else
        rest_fail(rest, ERR_INTERNAL);
}
