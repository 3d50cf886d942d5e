/* test_mail_text.c - each kind of mail has its words in both languages, and what is put into them stays text. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "services/auth/mail/mail_text.h"
#include "tests/unit/arena.h"

#define EVIL "<b a='\"'>&{link}\r\nX: y"

static const struct str locales[] = { { "en", 2 }, { "ko", 2 } };
static struct buf subject, text, html;

/* The words that mail_send.c gives, and those of the kind's row, which are what somebody wrote. */
static struct mail_words words_of(enum mail_kind kind)
{
    static const char *const own[] = { "at", "address", "code", "provider", "subject", "text", "name", "reason",
        "appeal" };
    struct mail_words words = { .n = 0 };

    mail_add_word(&words, "site", STR(EVIL));
    mail_add_word(&words, "link", STR("https://example.org/?a=1&b=2"));
    if (mail_kinds[kind].purpose != NULL) mail_add_word(&words, "life", STR("2 days"));
    for (size_t i = 0; i < COUNT(own); i++)
        if (strstr(mail_kinds[kind].words, own[i]) != NULL) mail_add_word(&words, own[i], STR(EVIL));
    return words;
}

static void write_mail(enum mail_kind kind, struct str locale)
{
    struct mail_words words = words_of(kind);

    subject = text = html = BUF(100000);
    mail_write_subject(&subject, kind, locale, &words);
    mail_write_text(&text, kind, locale, &words);
    mail_write_html(&html, kind, locale, &words);
    assert_false(subject.over || text.over || html.over);
}

static void free_mail(void)
{
    buf_free(&subject);
    buf_free(&text);
    buf_free(&html);
}

static bool has(const struct buf *in, const char *what)
{
    return memmem(in->at, in->len, what, strlen(what)) != NULL;
}

static bool is_korean(const struct buf *in)
{
    return has(in, "다.") || has(in, "요.");
}

static void each_kind_has_words_in_both_languages(void **state)
{
    (void)state;
    for (int kind = 0; kind < MAIL_KINDS; kind++)
        for (size_t i = 0; i < COUNT(locales); i++) {
            write_mail((enum mail_kind)kind, locales[i]);
            assert_true(subject.len > 0 && text.len > 50);
            assert_true(utf8_is_valid(text.at, text.len) && utf8_is_valid(html.at, html.len));
            assert_int_equal(is_korean(&text), i == 1);
            assert_true(has(&html, i == 1 ? "lang=\"ko\"" : "lang=\"en\""));
            if (mail_kinds[kind].purpose != NULL) assert_true(has(&text, "\n\nhttps://example.org/?a=1&b=2\n"));
            if (has(&text, "https://")) assert_true(has(&html, "<a href=\"https://example.org/?a=1&amp;b=2\">"));
            free_mail();
        }
}

static void what_is_put_into_a_mail_is_no_markup_and_no_word(void **state)
{
    (void)state;
    for (int kind = 0; kind < MAIL_KINDS; kind++) {
        write_mail((enum mail_kind)kind, locales[kind % 2]);
        assert_true(has(&text, EVIL));
        assert_true(has(&html, "&lt;b a=&#39;&quot;&#39;&gt;&amp;{link}"));
        assert_false(has(&html, "<b "));
        free_mail();
    }
}

static void lives_are_said_in_the_largest_unit_of_which_there_are_two(void **state)
{
    (void)state;
    assert_true(str_is(mail_life_text(arena, STR("en"), 900), "15 minutes"));
    assert_true(str_is(mail_life_text(arena, STR("en"), 3600), "60 minutes"));
    assert_true(str_is(mail_life_text(arena, STR("en"), 172800), "2 days"));
    assert_true(str_is(mail_life_text(arena, STR("ko"), 86400), "24시간"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_has_words_in_both_languages),
        cmocka_unit_test(what_is_put_into_a_mail_is_no_markup_and_no_word),
        cmocka_unit_test(lives_are_said_in_the_largest_unit_of_which_there_are_two),
    };
    return cmocka_run_group_tests_name("words of mails", tests, make_arena, drop_arena);
}
