/* language_choose.c - the pages in another language, from now on. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/pages/pages.h"

/* One of ours, and nothing that a header or a browser reads as more than that. */
static bool is_page(struct str path)
{
    if (!str_starts(path, STR("/account"))) return false;
    for (size_t i = 0; i < path.len; i++)
        if (path.at[i] <= ' ' || path.at[i] > '~' || path.at[i] == '\\') return false;
    return path.len == 8 || path.at[8] == '/' || path.at[8] == '?';
}

enum err language_choose(struct call *call, const struct language_choice *choice, struct language_chosen *rep)
{
    enum page_language language;

    if (!page_language_find(choice->to, &language)) return call_fail(call, ERR_INVALID_ARGUMENT, "to: is not en or ko");
    rep->page = arena_zero(call->arena, sizeof *rep->page);
    rep->page->status = 303;
    rep->page->url = is_page(choice->at) ? choice->at : STR("/account");
    rep->lang = choice->to;
    return OK;
}
