/* pages.c - the frame of every page of /account. */
// SPDX-License-Identifier: Apache-2.0
#include <time.h>

#include "services/auth/pages/pages.h"

static const struct page_text texts[] = {
#define SAY PAGE_TEXT_ROW
#include "services/auth/pages/texts.def"
#undef SAY
    { .name = NULL },
};

void account_page_begin(struct page *page, struct call *call, struct str lang, const char *title)
{
    enum page_language language = PAGE_EN;
    struct str site = str_of(auth_settings(call)->mail_site);

    if (!page_language_find(lang, &language)) language = PAGE_EN;
    page_begin(page, texts, language, title);
    if (site.len > 0)
        page_put(page, "<p class=\"site\"><a href=\"/account\">{site}</a></p>\n", PAGE_VALUES({ "site", site }));
    page_put(page, "<h1>{title}</h1>\n", PAGE_VALUES({ "title", str_of(page_text(page, title)) }));
}

void account_page_end(struct page *page, struct call *call, struct str path, struct web_page *rep)
{
    page_put_account_foot(page, path);
    rep->status = 200;
    rep->scripted = page->scripted;
    rep->html = page_end(page, call->arena);
}

void page_put_link(struct page *page, const char *path, const char *text)
{
    page_put(page, "<p><a href=\"{path}\">{text}</a></p>\n",
        PAGE_VALUES({ "path", str_of(path) }, { "text", str_of(page_text(page, text)) }));
}

void page_put_text(struct page *page, const char *text)
{
    page_put(page, "<p>{text}</p>\n", PAGE_VALUES({ "text", str_of(page_text(page, text)) }));
}

struct str page_time(struct arena *arena, int64_t ms)
{
    char text[32];
    struct tm tm;
    time_t seconds = (time_t)(ms / 1000);

    if (gmtime_r(&seconds, &tm) == NULL) return STR("");
    return arena_str(arena, (struct str){ text, strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &tm) });
}
