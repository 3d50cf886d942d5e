/* test_error_pages.c - each status that is refused with is a page in its reader's language, with words that are true of it. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/base/err.h"
#include "services/gateway/site/site.h"
#include "tests/unit/arena.h"

static const struct {
    int status;
    const char *titles[2], *says[2];
} rows[] = {
#define ERROR_PAGE(status_, title_en, title_ko, what_en, what_ko)                                                      \
    { .status = (status_), .titles = { title_en, title_ko }, .says = { what_en, what_ko } },
#include "services/gateway/site/error_pages.def"
#undef ERROR_PAGE
};
static const char *const languages[] = { "en-GB,en;q=0.9", "ko-KR,ko;q=0.9,en;q=0.5" };

static bool has(struct str html, const char *text)
{
    return memmem(html.at, html.len, text, strlen(text)) != NULL;
}

static struct str make(int status, size_t language)
{
    struct http_refusal_page page;

    error_page_make(arena, status, "some_code", str_of(languages[language]), &page);
    assert_non_null(strstr(page.policy, "frame-ancestors 'none'"));
    assert_null(strstr(page.policy, "script-src 'self'"));
    return page.html;
}

static bool has_words_of(struct str html, int status, size_t language)
{
    for (size_t i = 0; i < COUNT(rows); i++)
        if (rows[i].status == status) return has(html, rows[i].titles[language]) && has(html, rows[i].says[language]);
    return false;
}

static void each_status_has_its_words_in_both_languages(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        for (size_t language = 0; language < 2; language++) {
            struct str html = make(rows[i].status, language);
            char status[40];

            snprintf(status, sizeof status, "data-code=\"some_code\">%d", rows[i].status);
            assert_true(has_words_of(html, rows[i].status, language));
            assert_true(has(html, status));
            assert_true(has(html, language == 0 ? "<html lang=\"en\">" : "<html lang=\"ko\">"));
        }
}

/* "It is our fault" is said of what is our fault alone. */
static void what_has_no_row_has_the_words_of_what_is_like_it(void **state)
{
    static const int likes[][2] = { { 414, 431 }, { 504, 503 }, { 411, 400 }, { 417, 400 }, { 501, 400 }, { 505, 400 },
        { 502, 500 }, { 507, 500 } };

    (void)state;
    for (size_t i = 0; i < COUNT(likes); i++)
        for (size_t language = 0; language < 2; language++)
            assert_true(has_words_of(make(likes[i][0], language), likes[i][1], language));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_status_has_its_words_in_both_languages),
        cmocka_unit_test(what_has_no_row_has_the_words_of_what_is_like_it),
    };
    return cmocka_run_group_tests_name("error pages", tests, make_arena, drop_arena);
}
