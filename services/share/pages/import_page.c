/*
 * import_page.c - the page on which people bring conversations along: a file or a text, and what became of each.
 *
 * It works without JavaScript: both of its forms send the field `file`, one from a disk and one from a field to paste into.
 */
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>

#include "libshared/page/page.h"
#include "services/share/conversations/import.h"

#define PATH      "/account/import"
#define SHOWN_MAX 200 /* of a state */
#define SNIPPET   "copy(JSON.stringify(localStorage))"

static const struct page_text texts[] = {
#define SAY PAGE_TEXT_ROW
#include "services/share/pages/import_texts.def"
#undef SAY
    { .name = NULL },
};

static void begin_page(struct page *page, struct str lang)
{
    enum page_language language = PAGE_EN;

    if (!page_language_find(lang, &language)) language = PAGE_EN;
    page_begin(page, texts, language, "title");
    page_put(page, "<h1>{title}</h1>\n", PAGE_NO_VALUES);
}

static void end_page(struct page *page, struct arena *arena, int64_t status, struct web_page *rep)
{
    page_put(page, "<p><a href=\"/account\">{to_account}</a></p>\n", PAGE_NO_VALUES);
    page_put_account_foot(page, STR(PATH));
    rep->status = status;
    rep->html = page_end(page, arena);
}

/* --- the forms --- */

#define FORM "<form method=\"post\" action=\"" PATH "\" enctype=\"multipart/form-data\">"

/* refusal: a text, of what was sent just now; NULL: nothing was. */
static void show_forms(struct arena *arena, struct str lang, const char *refusal, int64_t status, struct web_page *rep)
{
    struct page page;

    begin_page(&page, lang);
    if (refusal != NULL)
        page_put(&page, "<p class=\"bad\" role=\"alert\">{why}</p>\n",
            PAGE_VALUES({ "why", str_of(page_text(&page, refusal)) }));
    page_put(&page, "<p>{lead}</p>\n<p>{how}</p>\n<p><code>{snippet}</code></p>\n",
        PAGE_VALUES({ "snippet", STR(SNIPPET) }));
    page_put(&page,
        "<h2>{by_file}</h2>\n" FORM "<label for=\"file\">{file}</label><input id=\"file\" name=\"file\" type=\"file\""
        " accept=\".json,.txt,application/json,text/plain\" required><p><button>{send}</button></p></form>\n"
        "<h2>{by_text}</h2>\n" FORM "<label for=\"text\">{text}</label><textarea id=\"text\" name=\"file\" rows=\"8\""
        " spellcheck=\"false\" autocomplete=\"off\" required></textarea><p><button>{send}</button></p></form>\n",
        PAGE_NO_VALUES);
    end_page(&page, arena, status, rep);
}

enum err import_page_lead(struct call *call, const struct nothing *req, struct web_page *rep)
{
    (void)call, (void)req;
    rep->status = 303;
    rep->url = STR(PATH);
    return OK;
}

enum err import_page_show(struct call *call, const struct import_visit *visit, struct web_page *rep)
{
    show_forms(call->arena, visit->lang, NULL, 200, rep);
    return OK;
}

/* --- what became of them --- */

static const char *why_refused(struct str code)
{
    if (str_is(code, err_code(ERR_QUOTA_EXCEEDED))) return "no_room";
    if (str_is(code, err_code(ERR_TOO_LARGE))) return "too_large";
    if (str_is(code, err_code(ERR_INVALID_ARGUMENT)) || str_is(code, err_code(ERR_MALFORMED))) return "no_conversation";
    return "later";
}

static struct str number_text(struct arena *arena, int64_t n)
{
    return arena_printf(arena, "%" PRId64, n);
}

static void put_entry(struct page *page, struct arena *arena, const struct import_entry *entry)
{
    page_put(page, "<li dir=\"auto\">{name}",
        PAGE_VALUES({ "name",
            entry->name.len > 0 ? entry->name
                                : arena_printf(arena, "%" PRId64 ". %s", entry->place, page_text(page, "unnamed")) }));
    if (entry->trash) page_put(page, "<br><span class=\"quiet\">{in_trash}</span>", PAGE_NO_VALUES);
    if (entry->code.len > 0)
        page_put(page, "<br><span class=\"quiet\" data-code=\"{code}\">{why}</span>",
            PAGE_VALUES({ "code", entry->code }, { "why", str_of(page_text(page, why_refused(entry->code))) }));
    page_put(page, "</li>\n", PAGE_NO_VALUES);
}

static void put_state(struct page *page, struct arena *arena, const struct import_answer *answer, const char *state,
    int64_t count, const char *title)
{
    int64_t shown = 0;

    if (count == 0) return;
    page_put(page, "<h2>{of}: {n}</h2>\n<ul data-state=\"{state}\">\n",
        PAGE_VALUES(
            { "of", str_of(page_text(page, title)) }, { "n", number_text(arena, count) }, { "state", str_of(state) }));
    for (size_t i = 0; i < answer->conversations.len && shown < SHOWN_MAX; i++) {
        if (!str_is(answer->conversations.at[i].state, state)) continue;
        put_entry(page, arena, &answer->conversations.at[i]);
        shown++;
    }
    page_put(page, "</ul>\n", PAGE_NO_VALUES);
    if (shown < count)
        page_put(page, "<p class=\"quiet\">{more} {n}</p>\n", PAGE_VALUES({ "n", number_text(arena, count - shown) }));
}

static bool has_rest(const struct import_answer *answer)
{
    for (size_t i = 0; i < answer->conversations.len; i++) {
        struct str code = answer->conversations.at[i].code;
        if (code.len > 0 && str_is(str_of(why_refused(code)), "later")) return true;
    }
    return false;
}

/* What somebody has to do something about comes first. */
static void show_answer(struct arena *arena, struct str lang, const struct import_answer *answer, struct web_page *rep)
{
    struct page page;

    begin_page(&page, lang);
    page_put(&page, "<p role=\"status\">{results}</p>\n", PAGE_NO_VALUES);
    if (answer->conversations.len == 0) page_put(&page, "<p>{nothing}</p>\n", PAGE_NO_VALUES);
    if (has_rest(answer)) page_put(&page, "<p class=\"bad\" role=\"alert\">{rest}</p>\n", PAGE_NO_VALUES);
    put_state(&page, arena, answer, "refused", answer->refused, "count_refused");
    put_state(&page, arena, answer, "changed", answer->changed, "count_changed");
    put_state(&page, arena, answer, "made", answer->made, "count_made");
    put_state(&page, arena, answer, "same", answer->same, "count_same");
    page_put(&page, "<p><a href=\"" PATH "\">{again}</a></p>\n", PAGE_NO_VALUES);
    end_page(&page, arena, 200, rep);
}

/* Of an error that this page has no words for the gateway's say it. */
static void answer_page(struct rpc_later *later, enum err e, const struct import_answer *answer, const void *arg)
{
    struct call *call = rpc_later_call(later);
    struct web_page page = { .status = 200 };
    const struct import_form *form = arg;

    if (e == OK)
        show_answer(call->arena, form->lang, answer, &page);
    else if (e == ERR_INVALID_ARGUMENT || e == ERR_TOO_LARGE)
        show_forms(call->arena, form->lang, e == ERR_TOO_LARGE ? "large_file" : "no_file", err_status(e), &page);
    rpc_later_done(later, page.html.len > 0 ? OK : e, &page);
}

void import_page_take(struct call *call, const struct import_form *form, struct rpc_later *later)
{
    (void)call;
    conversations_import(later, form->upload, answer_page, form);
}
