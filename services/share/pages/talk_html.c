/* talk_html.c - a conversation's head and its messages, as HTML. */
// SPDX-License-Identifier: Apache-2.0
#include "services/share/pages/talk_html.h"

#include <time.h>

struct str talk_time(struct arena *arena, int64_t ms)
{
    char text[32];
    struct tm tm;
    time_t seconds = (time_t)(ms / 1000);

    if (gmtime_r(&seconds, &tm) == NULL) return STR("");
    return arena_str(arena, (struct str){ text, strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &tm) });
}

/* What a picture would show: the first character of a name. */
static struct str initial_of(struct str who)
{
    size_t len = who.len > 0 ? 1 : 0;

    while (len > 0 && len < who.len && ((unsigned char)who.at[len] & 0xc0) == 0x80) len++;
    return (struct str){ who.at, len };
}

static void put_said(struct page *page, const struct share_files *files, const struct talk_line *line)
{
    size_t n = share_files_put(page, files, line->media);

    if (line->text.at != NULL)
        page_put(page, "<p class=\"bubble\" dir=\"auto\">{text}</p>", PAGE_VALUES({ "text", line->text }));
    else if (n == 0)
        page_put(page, "<p class=\"bubble unshown\">{unshown}</p>", PAGE_NO_VALUES);
    if (line->when.len > 0)
        page_put(page, "<p class=\"when\" dir=\"auto\">{when}</p>", PAGE_VALUES({ "when", line->when }));
    page_put(page, "</div></li>\n", PAGE_NO_VALUES);
}

static void put_line(struct page *page, const struct share_files *files, const struct talk_line *line)
{
    struct str who =
        line->who.len > 0 ? line->who : str_of(page_text(page, line->side == TALK_MINE ? "own" : "nameless"));
    struct str unseen = line->goes_on || line->side == TALK_MINE ? STR("who unseen") : STR("who");

    if (line->side == TALK_NOTICE) {
        page_put(page, "<li class=\"notice\"><p dir=\"auto\">{text}</p></li>\n", PAGE_VALUES({ "text", line->text }));
        return;
    }
    page_put(page, "<li class=\"{side}{goes_on}\">",
        PAGE_VALUES({ "side", line->side == TALK_MINE ? STR("mine") : STR("theirs") },
            { "goes_on", line->goes_on ? STR(" goes-on") : STR("") }));
    if (line->side == TALK_THEIRS && !line->goes_on && !share_files_put_face(page, files, line->face))
        page_put(page, "<span class=\"face\" aria-hidden=\"true\">{initial}</span>",
            PAGE_VALUES({ "initial", initial_of(who) }));
    page_put(
        page, "<div><p class=\"{unseen}\" dir=\"auto\">{who}</p>", PAGE_VALUES({ "unseen", unseen }, { "who", who }));
    put_said(page, files, line);
}

void talk_html_put(struct page *page, const struct share_files *files, const struct shared_conversation *shared,
    const struct talk *talk)
{
    struct arena *arena = files->call->arena;

    page_put(page,
        "<header><h1 dir=\"auto\">{name}</h1><p class=\"quiet\">{count}: {n} · {as_of}: {changed}</p></header>\n",
        PAGE_VALUES({ "name", shared->name }, { "n", arena_printf(arena, "%zu", talk->all) },
            { "changed", talk_time(arena, shared->changed_at) }));
    if (talk->all == 0) page_put(page, "<p class=\"quiet\">{empty}</p>\n", PAGE_NO_VALUES);
    if (talk->n > 0) page_put(page, "<ol class=\"talk\">\n", PAGE_NO_VALUES);
    for (size_t i = 0; i < talk->n; i++) put_line(page, files, &talk->lines[i]);
    if (talk->n > 0) page_put(page, "</ol>\n", PAGE_NO_VALUES);
}
