/* test_search.c - how texts are folded, where words are in them, and that whatever is found has the keys that are looked for. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "libshared/wire/records.h"
#include "services/store/search/keys.h"

#define MARKS 100

static struct arena *arena;

static int begin(void **state)
{
    (void)state;
    arena = arena_create("test", 64u << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_destroy(&arena);
    return 0;
}

/* What is found, as from-until of the text's characters, one behind the other; "-" where it is not. */
static struct str look(const char *text, const char *query)
{
    struct search_text folded = search_fold(arena, str_of(text)), asked = search_fold(arena, str_of(query));
    struct search_words words;
    struct search_pieces pieces;
    struct str out = STR("");

    assert_true(search_cut_words(&asked, &words));
    if (!search_match(arena, &folded, &words, MARKS, &pieces)) return STR("-");
    for (size_t i = 0; i < pieces.len; i++)
        out = arena_printf(arena, "%.*s%s%u-%u", STR_ARG(out), i > 0 ? " " : "", pieces.at[i].from, pieces.at[i].until);
    return out;
}

static const struct {
    const char *text, *query, *found;
} cases[] = {
    { "검색팀을", "검색", "0-2" },
    { "검색팀을", "색팀", "1-3" },
    { "검색팀을", "팀", "2-3" },
    { "검색팀을", "검팀", "-" },
    { "검 색", "검색", "-" },
    { "검색 검색", "색", "1-2 4-5" },
    { "가가가가", "가가", "0-2 2-4" },
    { "가나다", "가나 나다", "0-3" },  /* pieces that overlap are one */
    { "가나다", "나다 가나 라", "-" }, /* each word has to be there */
    { "Searching", "arch", "2-6" },
    { "a search", "s", "2-3" }, /* one letter: where a word begins */
    { "classes", "s", "-" },
    { "a-s", "s", "2-3" },
    { "is 3.14", "1", "5-6" },
    { "is 314", "1", "-" },
    { "日本語", "語", "2-3" },
    { "ｶﾀｶﾅ", "ﾅ", "3-4" },
    { "😀👍", "👍", "1-2" },
    { "stra\u00dfe", "ss", "4-5" }, /* one character that became two */
    { "stra\u00dfe", "STRASSE", "0-6" },
    { "cafe\u0301!", "caf\u00e9", "0-5" }, /* two characters that became one */
    { "cafe\u0301!", "\u00e9!", "3-6" },
    { "caf\u00e9", "cafe", "-" },
    { "\u1112\u1161\u11ab\u1100\u1173\u11af", "\ud55c\uae00", "0-6" },
    { "\u03a3\u038a\u03a3\u03a5\u03a6\u039f\u03a3", "\u03c3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2", "0-7" },
    { "can\u00adcel", "cancel", "0-7" }, /* what is not seen is not there */
    { "\u2764\ufe0f", "\u2764", "0-1" },
    { "\u2764", "\u2764\ufe0f", "0-1" },
    { "\U0001F468\u200d\U0001F469", "\U0001F469", "2-3" },
    { "x\u3000y", "x y", "0-1 2-3" }, /* a blank of another width */
    { "<b>\"&", "<b>", "0-3" },
};

static void words_are_found_where_they_are(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str found = look(cases[i].text, cases[i].query);
        if (!str_is(found, cases[i].found))
            fail_msg("%s in %s: %.*s instead of %s", cases[i].query, cases[i].text, STR_ARG(found), cases[i].found);
    }
}

static bool has(const struct search_keys *keys, int32_t key)
{
    for (size_t i = 0; i < keys->len; i++)
        if (keys->at[i] == key) return true;
    return false;
}

static void what_is_found_has_all_keys_of_the_query(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct search_text text = search_fold(arena, str_of(cases[i].text)),
                           query = search_fold(arena, str_of(cases[i].query));
        struct search_words words;
        assert_true(search_cut_words(&query, &words));
        struct search_keys of_text =
            search_keys_of_message(arena, &text, (struct id){ { 1 } }, STR("ada"), SEARCH_link);
        struct search_keys of_query = search_keys_of_query(arena, &words, STR("ada"), SEARCH_link);
        for (size_t k = 1; k < of_text.len; k++) assert_true(of_text.at[k - 1] < of_text.at[k]);
        for (size_t k = 0; k < of_query.len && !str_is(str_of(cases[i].found), "-"); k++)
            assert_true(has(&of_text, of_query.at[k]));
        assert_true(has(&of_text, search_key_of_room((struct id){ { 1 } })) && has(&of_text, 0));
        assert_false(has(&of_text, search_key_of_room((struct id){ { 2 } })));
        struct search_keys other = search_keys_of_query(arena, &words, STR("bob"), SEARCH_media);
        size_t missing = 0;
        for (size_t k = 0; k < other.len; k++) missing += !has(&of_text, other.at[k]);
        assert_true(missing >= 2);
    }
}

static bool has_words(const char *query, size_t *n)
{
    struct search_text folded = search_fold(arena, str_of(query));
    struct search_words words;
    bool is_so = search_cut_words(&folded, &words);

    *n = words.len;
    return is_so;
}

static void a_query_has_a_word_and_not_too_many(void **state)
{
    size_t n;

    (void)state;
    assert_false(has_words("", &n));
    assert_false(has_words(" \t\n\u3000", &n));
    assert_false(has_words("\u200b\ufe0f", &n));
    assert_true(has_words("  a  b ", &n));
    assert_int_equal(n, 2);
    assert_true(has_words("1 2 3 4 5 6 7 8 9 a b c d e f g", &n));
    assert_int_equal(n, SEARCH_WORDS_MAX);
    assert_false(has_words("1 2 3 4 5 6 7 8 9 a b c d e f g h", &n));
}

/* So many marks on one letter, and so many places of one word, are no work without end. */
static void long_texts_have_their_bounds(void **state)
{
    char text[30001] = "e";
    size_t n = 1;

    (void)state;
    for (; n + 4 < sizeof text; n += 4) memcpy(text + n, n % 8 == 1 ? "\u0316\u0301" : "\u0301\u0316", 4);
    assert_int_equal(search_fold(arena, (struct str){ text, n }).len > 0, true);
    memset(text, 'a', sizeof text - 1);
    for (size_t i = 1; i < sizeof text - 1; i += 2) text[i] = ' ';
    text[sizeof text - 1] = '\0';
    struct search_text folded = search_fold(arena, str_of(text)), asked = search_fold(arena, STR("a"));
    struct search_words words;
    struct search_pieces pieces;
    assert_true(search_cut_words(&asked, &words));
    assert_true(search_match(arena, &folded, &words, MARKS, &pieces));
    assert_int_equal(pieces.len, MARKS);
}

static void a_link_is_one_of_http(void **state)
{
    (void)state;
    assert_int_equal(search_kinds_of(STR("see https://a.example")), SEARCH_link);
    assert_int_equal(search_kinds_of(STR("http://a")), SEARCH_link);
    assert_int_equal(search_kinds_of(STR("http:/a https:")), 0);
    assert_int_equal(search_kinds_of(STR("")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(words_are_found_where_they_are, begin, end),
        cmocka_unit_test_setup_teardown(what_is_found_has_all_keys_of_the_query, begin, end),
        cmocka_unit_test_setup_teardown(a_query_has_a_word_and_not_too_many, begin, end),
        cmocka_unit_test_setup_teardown(long_texts_have_their_bounds, begin, end),
        cmocka_unit_test_setup_teardown(a_link_is_one_of_http, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
