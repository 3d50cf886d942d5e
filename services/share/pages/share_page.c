/*
 * share_page.c - the page of a link, which works without JavaScript.
 *
 *      GET --not opened before--> a button --POST: a view--> the conversation --GET, within an hour--> the conversation
 *                                 and a field, if it has a password: until that is right nothing is counted or shown
 *
 *                                                                      '--reported--> thanks
 *
 * So what follows links by itself, as programs do that draw previews, opens nothing.  The button's form has a key, by which a form
 * that is sent twice is one view.
 */
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "libshared/base/container_of.h"
#include "libshared/base/secret.h"
#include "libshared/base/url.h"
#include "libshared/page/page.h"
#include "services/share/pages/talk_html.h"
#include "services/share/reports/reports.h"

#define LINES_OF_PART 200
#define KEY_CHARS     22

const struct page_text share_texts[] = {
#define SAY PAGE_TEXT_ROW
#include "services/share/pages/texts.def"
#undef SAY
    { .name = NULL },
};

struct share_view {
    struct call *call;
    const struct share_page_query *req;
    struct link_visit visit;
    struct found_link link;
    enum page_language language;
    const char *refusal; /* of a password: the text that says why; NULL: none was said */
    int64_t status;
};

static struct share_view begin_view(struct call *call, const struct share_page_query *req)
{
    struct share_view view = { .call = call, .req = req, .language = PAGE_EN, .status = 200 };

    if (!page_language_find(req->lang, &view.language)) view.language = PAGE_EN;
    view.visit = visit_read(call, req->share_visit, req->code, req->client_key);
    return view;
}

static struct str number_text(struct arena *arena, int64_t n)
{
    return arena_printf(arena, "%" PRId64, n);
}

/* This page, in another language or another part of it. */
static struct str path_of(const struct share_view *view, enum page_language language, int64_t part)
{
    struct arena *arena = view->call->arena;
    struct url_value values[] = { { "code", view->req->code }, { "lang", str_of(page_language_code(language)) },
        { "part", number_text(arena, part) } };

    return url_build(arena, "", "/s/{code}", values, part > 1 ? 3 : 2);
}

static void put_languages(struct page *page, const struct share_view *view)
{
    page_put(page,
        "<footer aria-label=\"{languages}\"><a href=\"{ko}\" lang=\"ko\" hreflang=\"ko\">한국어</a>"
        "<a href=\"{en}\" lang=\"en\" hreflang=\"en\">English</a></footer>\n",
        PAGE_VALUES(
            { "ko", path_of(view, PAGE_KO, view->req->part) }, { "en", path_of(view, PAGE_EN, view->req->part) }));
}

static void finish_page(struct page *page, const struct share_view *view, int64_t status, struct web_page *rep)
{
    *rep = (struct web_page){ .status = status, .html = page_end(page, view->call->arena) };
}

/* --- there is nothing --- */

static void show_nothing(const struct share_view *view, enum err e, struct web_page *rep)
{
    struct page page = { .texts = share_texts, .language = view->language };
    const char *title = e == ERR_GONE ? "ended" : "nothing", *why = e == ERR_GONE ? "ended_why" : "nothing_why";

    const struct page_head head = { .title = str_of(page_text(&page, title)),
        .style = PAGE_STYLE_TALK,
        .theme = page_theme_find(STR_NONE),
        .noindex = true };
    page_begin_with(&page, share_texts, view->language, &head);
    page_put(&page, "<div class=\"gate\" data-code=\"{code}\"><h1>{title}</h1><p>{why}</p></div>\n",
        PAGE_VALUES(
            { "title", head.title }, { "why", str_of(page_text(&page, why)) }, { "code", str_of(err_code(e)) }));
    finish_page(&page, view, err_status(e), rep);
}

/* --- a button --- */

#define PASSWORD_FIELD                                                                                                 \
    "<label for=\"password\">{password}</label><input id=\"password\" name=\"password\" type=\"password\" required"    \
    " autocomplete=\"off\" maxlength=\"72\""

static void put_password(struct page *page, const struct share_view *view)
{
    if (view->refusal == NULL)
        page_put(page, PASSWORD_FIELD ">", PAGE_NO_VALUES);
    else
        page_put(page,
            PASSWORD_FIELD " aria-invalid=\"true\" aria-describedby=\"refused\">"
                           "<p id=\"refused\" class=\"refused\" role=\"alert\">{refusal}</p>",
            PAGE_VALUES({ "refusal", str_of(page_text(page, view->refusal)) }));
}

static void show_gate(const struct share_view *view, struct web_page *rep)
{
    const struct share *share = view->call->context;
    struct page page = { .texts = share_texts, .language = view->language };
    const struct page_preview preview = { .title = view->link.preview,
        .text = str_of(page_text(&page, "shared")),
        .url = url_build(view->call->arena, share->public_url, "/s/{code}", URL_VALUES({ "code", view->req->code })) };
    const struct page_head head = { .title = str_of(page_text(&page, "shared")),
        .style = PAGE_STYLE_TALK,
        .theme = page_theme_find(view->link.lock != 0 ? STR_NONE : view->link.theme),
        .noindex = view->link.noindex,
        .preview = preview.title.len > 0 ? &preview : NULL };
    char key[KEY_CHARS + 1];

    secret_text(key, KEY_CHARS);
    page_begin_with(&page, share_texts, view->language, &head);
    page_put(&page, "<div class=\"gate\"><h1>{shared}</h1><p>{shared_why}</p>\n", PAGE_NO_VALUES);
    if (view->link.has_budget) page_put(&page, "<p><strong>{budget_why}</strong></p>\n", PAGE_NO_VALUES);
    page_put(&page,
        "<form method=\"post\" action=\"{path}\"><input type=\"hidden\" name=\"client_key\" value=\"{key}\">"
        "<input type=\"hidden\" name=\"lang\" value=\"{lang}\">",
        PAGE_VALUES({ "path", url_build(view->call->arena, "", "/s/{code}", URL_VALUES({ "code", view->req->code })) },
            { "key", str_of(key) }, { "lang", str_of(page_language_code(view->language)) }));
    if (view->link.lock != 0) put_password(&page, view);
    page_put(&page, "<button>{open}</button></form></div>\n", PAGE_NO_VALUES);
    put_languages(&page, view);
    finish_page(&page, view, view->status, rep);
    rep->indexed = !view->link.noindex;
}

/* --- the conversation --- */

static void put_parts(struct page *page, const struct share_view *view, int64_t parts)
{
    int64_t part = view->req->part;

    if (parts <= 1) return;
    page_put(page, "<nav aria-label=\"{parts}\">", PAGE_NO_VALUES);
    if (part > 1)
        page_put(page, "<a href=\"{path}\" rel=\"prev\">{earlier}</a>",
            PAGE_VALUES({ "path", path_of(view, view->language, part - 1) }));
    page_put(page, "<span>{part} {n} / {all}</span>",
        PAGE_VALUES({ "n", number_text(view->call->arena, part) }, { "all", number_text(view->call->arena, parts) }));
    if (part < parts)
        page_put(page, "<a href=\"{path}\" rel=\"next\">{later}</a>",
            PAGE_VALUES({ "path", path_of(view, view->language, part + 1) }));
    page_put(page, "</nav>\n", PAGE_NO_VALUES);
}

static struct str path_to_keep(const struct share_view *view, const char *format)
{
    return url_build(view->call->arena, "", "/s/{code}/export",
        URL_VALUES({ "code", view->req->code }, { "format", str_of(format) },
            { "lang", str_of(page_language_code(view->language)) }));
}

static void put_ways_to_keep(struct page *page, const struct share_view *view)
{
    page_put(page,
        "<p class=\"keep\">{keep}: <a href=\"{text}\" download>{as_text}</a> · "
        "<a href=\"{html}\" download>{as_html}</a> · <a href=\"{ndjson}\" download>{as_ndjson}</a></p>\n",
        PAGE_VALUES({ "text", path_to_keep(view, "text") }, { "html", path_to_keep(view, "html") },
            { "ndjson", path_to_keep(view, "ndjson") }));
}

static void put_talk(struct page *page, const struct share_view *view, const struct shared_conversation *shared,
    const struct talk *talk, const struct share_files *files)
{
    talk_html_put(page, files, shared, talk);
    put_parts(page, view, (int64_t)(talk->all + LINES_OF_PART - 1) / LINES_OF_PART);
    if (shared->download) put_ways_to_keep(page, view);
}

/* Closed until somebody wants it. */
static void put_report(struct page *page, const struct share_view *view)
{
    page_put(page,
        "<details class=\"report\"><summary>{report}</summary><form method=\"post\" "
        "action=\"{path}\"><p>{report_why}</p>"
        "<input type=\"hidden\" name=\"lang\" value=\"{lang}\"><label for=\"reason\">{report_reason}</label>"
        "<select id=\"reason\" name=\"reason\" required>",
        PAGE_VALUES(
            { "path", url_build(view->call->arena, "", "/s/{code}/report", URL_VALUES({ "code", view->req->code })) },
            { "lang", str_of(page_language_code(view->language)) }));
    for (size_t i = 0; i < REPORT_REASONS; i++) {
        const struct report_reason *reason = &report_reasons[i];
        page_put(page, "<option value=\"{name}\">{words}</option>",
            PAGE_VALUES({ "name", str_of(reason->name) },
                { "words", str_of(view->language == PAGE_KO ? reason->ko : reason->en) }));
    }
    page_put(page,
        "</select><label for=\"text\">{report_text}</label><textarea id=\"text\" name=\"text\" rows=\"4\""
        " maxlength=\"1000\"></textarea><label for=\"email\">{report_email}</label><input id=\"email\" name=\"email\""
        " type=\"email\" maxlength=\"254\" autocomplete=\"email\"><button>{report_send}</button></form></details>\n",
        PAGE_NO_VALUES);
}

/* For a browser with JavaScript: what else becomes of it is said there. */
static void put_watch(struct page *page, const struct share_view *view, struct str watch)
{
    page_put(page,
        "<p class=\"news\" role=\"status\" data-watch=\"{watch}\" data-path=\"{path}\" data-changed=\"{changed_since}\""
        " data-look=\"{look_again}\"></p>\n",
        PAGE_VALUES({ "watch", watch }, { "path", path_of(view, view->language, view->req->part) }));
    page_put_watch(page);
}

static enum err show_talk(const struct share_view *view, struct call *call, struct web_page *rep)
{
    struct shared_conversation shared = { .name = STR("") };
    struct share_files files = { .call = call, .code = view->req->code };
    struct str watch;
    struct page page;

    TRY(link_read(call, view->link.id, &shared));
    TRY(link_ticket_print(call, &view->visit, &view->link, shared.changed_at, &watch));
    files.download = shared.download;
    struct talk talk =
        talk_read(call->arena, shared.data, (size_t)(view->req->part - 1) * LINES_OF_PART, LINES_OF_PART);
    TRY(share_files_find(&files, view->link.id, &talk));
    page_begin_with(&page, share_texts, view->language,
        &(struct page_head){ .title = shared.name,
            .style = PAGE_STYLE_TALK,
            .theme = page_theme_find(shared.theme),
            .noindex = view->link.noindex });
    put_talk(&page, view, &shared, &talk, &files);
    put_report(&page, view);
    put_languages(&page, view);
    put_watch(&page, view, watch);
    finish_page(&page, view, 200, rep);
    rep->watched = true;
    return OK;
}

static bool is_nothing(enum err e)
{
    return e == ERR_NOT_FOUND || e == ERR_GONE;
}

enum err share_page_show(struct call *call, const struct share_page_query *req, struct web_page *rep)
{
    struct share_view view = begin_view(call, req);
    enum err e = link_find(call, &view.visit, &view.link);

    if (is_nothing(e)) {
        show_nothing(&view, e, rep);
        return OK;
    }
    TRY(e);
    if (view.visit.is_fresh) return show_talk(&view, call, rep);
    show_gate(&view, rep);
    return OK;
}

/* --- the button is pressed --- */

struct page_opening {
    struct link_opening opening;
    struct share_view view;
    struct share_page_opened answer;
};

static enum err show_opened(struct link_opening *opening, struct call *call)
{
    struct page_opening *page = CONTAINER_OF(opening, struct page_opening, opening);

    page->view.link = opening->link;
    page->answer.share_visit = opening->share_visit;
    return show_talk(&page->view, call, page->answer.page);
}

/* The button is shown again; no: the error is none that a password has. */
static bool show_refusal(struct page_opening *page, enum err e)
{
    struct share_view *view = &page->view;

    if (e == ERR_PASSWORD_REQUIRED)
        view->refusal = "password_required";
    else if (e == ERR_CREDENTIALS_INVALID)
        view->refusal = "password_wrong";
    else if (e == ERR_RATE_LIMITED)
        view->refusal = "password_later";
    else
        return false;
    view->link = page->opening.link;
    view->status = err_status(e);
    show_gate(view, page->answer.page);
    return true;
}

static void answer_opened(struct link_opening *opening, enum err e)
{
    struct page_opening *page = CONTAINER_OF(opening, struct page_opening, opening);

    if (is_nothing(e)) {
        show_nothing(&page->view, e, page->answer.page);
        e = OK;
    } else if (e != OK && show_refusal(page, e))
        e = OK;
    rpc_later_done(opening->later, e, &page->answer);
}

void share_page_open(struct call *call, const struct share_page_query *req, struct rpc_later *later)
{
    struct page_opening *page = arena_zero(call->arena, sizeof *page);

    page->view = begin_view(call, req);
    page->answer.page = arena_zero(call->arena, sizeof *page->answer.page);
    page->opening = (struct link_opening){
        .later = later, .visit = page->view.visit, .password = req->password, .show = show_opened, .end = answer_opened
    };
    link_open(&page->opening);
}

/* --- it is reported --- */

/* e: why it was not. */
static void show_reported(const struct share_view *view, enum err e, struct web_page *rep)
{
    struct page page = { .texts = share_texts, .language = view->language };
    const char *why = e == OK ? "reported_why" : e == ERR_FORBIDDEN ? "report_opened_why" : "report_refused_why";
    const struct page_head head = { .title = str_of(page_text(&page, e == OK ? "reported" : "report_refused")),
        .style = PAGE_STYLE_TALK,
        .theme = page_theme_find(view->link.lock != 0 ? STR_NONE : view->link.theme),
        .noindex = true };

    page_begin_with(&page, share_texts, view->language, &head);
    page_put(&page,
        "<div class=\"gate\" data-code=\"{code}\"><h1>{title}</h1><p>{why}</p><p><a "
        "href=\"{path}\">{back}</a></p></div>\n",
        PAGE_VALUES({ "title", head.title }, { "why", str_of(page_text(&page, why)) },
            { "path", path_of(view, view->language, 1) }, { "code", e == OK ? STR("") : str_of(err_code(e)) }));
    finish_page(&page, view, e == OK ? 200 : err_status(e), rep);
}

enum err share_page_report(struct call *call, const struct share_report_form *req, struct web_page *rep)
{
    const struct share_page_query query = {
        .code = req->code, .share_visit = req->share_visit, .lang = req->lang, .part = 1
    };
    const struct share_report_draft draft = { .reason = req->reason, .text = req->text, .email = req->email };
    struct share_view view = begin_view(call, &query);
    enum err e = link_find(call, &view.visit, &view.link);

    if (e == OK) e = report_put(call, &draft, &view.visit, view.link.id);
    if (is_nothing(e))
        show_nothing(&view, e, rep);
    else if (e == OK || e == ERR_FORBIDDEN || e == ERR_INVALID_ARGUMENT)
        show_reported(&view, e, rep);
    else
        return e;
    return OK;
}
