/* test_page.c - a value is text wherever it stands, and a template that would make more of it is none. */
// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libshared/page/page.h"
#include "tests/unit/arena.h"

static const struct page_text texts[] = {
    PAGE_TEXT_ROW(title, "A & B", "가 & 나") PAGE_TEXT_ROW(greeting, "Hello", "안녕하세요"){ .name = NULL },
};

static struct str fill(enum page_language language, const char *template, struct str value)
{
    struct page page;

    page_begin(&page, texts, language, "title");
    size_t head = page.html.len;
    page_put(&page, template, PAGE_VALUES({ "value", value }));
    size_t len = page.html.len - head;
    struct str html = page_end(&page, arena);
    return (struct str){ html.at + head, len };
}

static void a_value_is_text_wherever_it_stands(void **state)
{
    struct str odd = STR("<b onclick=\"x\">'&");

    (void)state;
    assert_true(str_is(fill(PAGE_EN, "<p>{value}</p>", odd), "<p>&lt;b onclick=&quot;x&quot;&gt;&#39;&amp;</p>"));
    assert_true(str_is(fill(PAGE_EN, "<input value=\"{value}\">", odd),
        "<input value=\"&lt;b onclick=&quot;x&quot;&gt;&#39;&amp;\">"));
    assert_true(str_is(fill(PAGE_KO, "<i>{greeting}, {value}</i>", STR("{title}")), "<i>안녕하세요, {title}</i>"));
}

static void a_link_goes_to_a_path_of_ours_or_to_https(void **state)
{
    static const char *const good[] = { "/", "/account?a=1&b=2", "https://example.org/x" };
    static const char *const bad[] = { "", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x",
        "//evil.example", "/\\evil.example", "http://example.org", "\x01/x", " /x", "/\t/evil.example", "account" };
    char want[100];

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_true(
            str_is(fill(PAGE_EN, "<a class=\"x\" href=\"{value}\">", str_of(bad[i])), "<a class=\"x\" href=\"#\">"));
    for (size_t i = 0; i < COUNT(good); i++) {
        snprintf(want, sizeof want, "<form action=\"%s\">", i == 1 ? "/account?a=1&amp;b=2" : good[i]);
        assert_true(str_is(fill(PAGE_EN, "<form action=\"{value}\">", str_of(good[i])), want));
    }
}

static void a_template_with_a_value_elsewhere_is_none(void **state)
{
    static const char *const bad[] = { "<{value}>", "<a {value}>", "<a href={value}>", "<a href='{value}'>",
        "<a onclick=\"{value}\">", "<a style=\"{value}\">", "<script>{value}</script>", "<style>{value}</style>",
        "<!-- {value} -->", "<p>{nobody}</p>", "<p", "<p>{value" };

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        int status = 0;
        pid_t pid = fork();
        if (pid == 0) {
            signal(SIGABRT, SIG_DFL);
            fclose(stderr);
            fill(PAGE_EN, bad[i], STR("x"));
            _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT) fail_msg("taken: %s", bad[i]);
    }
}

static void a_document_says_its_language_and_title(void **state)
{
    struct page page;

    (void)state;
    page_begin(&page, texts, PAGE_KO, "title");
    struct str html = page_end(&page, arena);
    assert_non_null(strstr(html.at, "<html lang=\"ko\">"));
    assert_non_null(strstr(html.at, "<title>가 &amp; 나</title>"));
    assert_non_null(strstr(html.at, page_style(PAGE_STYLE_FORMS)));
}

static void what_is_too_large_is_no_page(void **state)
{
    struct page page;
    static char large[PAGE_BYTES_MAX];

    (void)state;
    memset(large, 'x', sizeof large);
    page_begin(&page, texts, PAGE_EN, "title");
    page_put(&page, "{value}", PAGE_VALUES({ "value", { large, sizeof large } }));
    assert_null(page_end(&page, arena).at);
}

static void the_language_is_the_one_that_is_wanted_most(void **state)
{
    static const struct {
        const char *accept;
        enum page_language language;
    } cases[] = {
        { "", PAGE_EN },
        { "ko", PAGE_KO },
        { "ko-KR,ko;q=0.9,en-US;q=0.8,en;q=0.7", PAGE_KO },
        { "en-US,en;q=0.9,ko;q=0.8", PAGE_EN },
        { "fr, KO-kr ; q=0.3, de", PAGE_KO },
        { "en;q=0.5,ko;q=0.50", PAGE_EN },
        { "en;q=0.5, ko;q=0.501", PAGE_KO },
        { "ko;q=0, en;q=0.001", PAGE_EN },
        { "ko;q=1.1", PAGE_EN },
        { "ko;q=0.1234", PAGE_EN },
        { "ko;q=", PAGE_EN },
        { "ko;x=1", PAGE_EN },
        { "kok", PAGE_EN },
        { "*", PAGE_EN },
        { ",,;;,=", PAGE_EN },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        if (page_language_accepted(str_of(cases[i].accept)) != cases[i].language) fail_msg("%s", cases[i].accept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_text_wherever_it_stands),
        cmocka_unit_test(a_link_goes_to_a_path_of_ours_or_to_https),
        cmocka_unit_test(a_template_with_a_value_elsewhere_is_none),
        cmocka_unit_test(a_document_says_its_language_and_title),
        cmocka_unit_test(what_is_too_large_is_no_page),
        cmocka_unit_test(the_language_is_the_one_that_is_wanted_most),
    };
    return cmocka_run_group_tests_name("page", tests, make_arena, drop_arena);
}
