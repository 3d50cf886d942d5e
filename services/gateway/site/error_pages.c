/* error_pages.c - a refusal as a person reads it: what is wrong and what to do about it, and nothing of what was sent. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/arena.h"
#include "libshared/page/page.h"
#include "services/gateway/site/site.h"

struct error_page {
    int status;
    struct page_text texts[4];
};
#define ERROR_PAGE(status_, title_en, title_ko, what_en, what_ko)                                                      \
    { .status = (status_),                                                                                             \
        .texts = { { "title", { title_en, title_ko } }, { "what", { what_en, what_ko } },                              \
            { "to_home", { "To the first page", "첫 페이지로" } }, { .name = NULL } } },
static const struct error_page errors[] = {
#include "services/gateway/site/error_pages.def"
};
#undef ERROR_PAGE

static const struct error_page *find_error(int status)
{
    int like = status == 414 ? 431 : status == 504 ? 503 : status;

    for (size_t i = 0; i < COUNT(errors); i++)
        if (errors[i].status == like) return &errors[i];
    return find_error(status < 500 || status == 501 || status == 505 ? 400 : 500); /* those two are of the request */
}

void error_page_make(
    struct arena *arena, int status, const char *code, struct str accept_language, struct http_refusal_page *out)
{
    const struct error_page *error = find_error(status);
    char *policy = arena_alloc(arena, PAGE_POLICY_BYTES);
    struct page page;

    page_begin(&page, error->texts, page_language_accepted(accept_language), "title");
    page_put(&page,
        "<h1>{title}</h1><p>{what}</p><p><a href=\"{home}\">{to_home}</a></p>"
        "<footer><p class=\"quiet\" data-code=\"{code}\">{status} · {code}</p></footer>",
        PAGE_VALUES({ "home", STR("/") }, { "status", arena_printf(arena, "%d", status) }, { "code", str_of(code) }));
    page_content_policy(policy, PAGE_PLAIN);
    *out = (struct http_refusal_page){ .html = page_end(&page, arena), .policy = policy };
}
