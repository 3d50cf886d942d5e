/* test_dump.c - where conversations lie in a browser's text, however it is cut into pieces. */
// SPDX-License-Identifier: Apache-2.0
#include "services/share/conversations/dump.h"

#include <string.h>

#include "tests/unit/arena.h"

static struct dump *take_in_pieces(const char *text, size_t piece)
{
    struct dump *dump = arena_zero(arena, sizeof *dump);
    size_t len = strlen(text);

    for (size_t at = 0; at < len; at += piece)
        dump_take(dump, (struct str){ text + at, len - at < piece ? len - at : piece });
    return dump;
}

static bool is_part(const char *text, int64_t at, int64_t end, const char *part)
{
    return str_is((struct str){ text + at, (size_t)(end - at) }, part);
}

static void each_entry_lies_where_it_stands_in_pieces_of_any_size(void **state)
{
    static const char text[] = "\xef\xbb\xbf {\"a\":{\"x\":\"}\\\"]\",\"y\":[{},[]]} , \"b\\\"\\\\\" "
                               ":\n\"{\\\"z\\\":1}\",\"c\":-1.5e3,\"\": null }\n";
    static const char *const parts[][2] = { { "\"a\"", "{\"x\":\"}\\\"]\",\"y\":[{},[]]}" },
        { "\"b\\\"\\\\\"", "\"{\\\"z\\\":1}\"" }, { "\"c\"", "-1.5e3" }, { "\"\"", "null" } };

    (void)state;
    for (size_t piece = 1; piece <= sizeof text; piece++) {
        struct dump *dump = take_in_pieces(text, piece);
        assert_true(dump_end(dump));
        assert_int_equal(dump->n, COUNT(parts));
        for (size_t i = 0; i < dump->n; i++) {
            assert_true(is_part(text, dump->entries[i].key_at, dump->entries[i].key_end, parts[i][0]));
            assert_true(is_part(text, dump->entries[i].value_at, dump->entries[i].end, parts[i][1]));
        }
    }
}

static void a_text_that_is_cut_anywhere_is_none(void **state)
{
    static const char text[] = "{\"a\":{\"x\":[1,\"}\"]},\"b\":\"{}\",\"c\":7}";
    char cut[sizeof text];

    (void)state;
    assert_true(dump_end(take_in_pieces(text, 5)));
    for (size_t n = 0; n + 1 < sizeof text; n++) {
        memcpy(cut, text, n);
        cut[n] = '\0';
        struct dump *dump = take_in_pieces(cut, 3);
        assert_false(dump_end(dump));
        assert_non_null(dump->fault);
        assert_int_equal(dump->at, n);
    }
}

static void what_is_no_object_of_names_is_refused_where_it_is_none(void **state)
{
    static const struct {
        const char *text;
        int64_t at;
    } cases[] = { { "[]", 0 }, { "7", 0 }, { "{a:1}", 1 }, { "{\"a\" 1}", 5 }, { "{\"a\":}", 5 }, { "{\"a\":,", 5 },
        { "{\"a\":1 2}", 7 }, { "{\"a\":{}{}}", 7 }, { "{\"a\":1,}", 7 }, { "{} {", 3 }, { "{}}", 2 } };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct dump *dump = take_in_pieces(cases[i].text, 1);
        assert_false(dump_end(dump));
        assert_int_equal(dump->at, cases[i].at);
    }
    assert_true(dump_end(take_in_pieces("{}", 1)));
}

static void there_are_as_many_as_an_answer_has(void **state)
{
    struct dump *dump = arena_zero(arena, sizeof *dump);

    (void)state;
    dump_take(dump, STR("{\"a\":1"));
    for (size_t i = 1; i < DUMP_ENTRIES_MAX; i++) dump_take(dump, STR(",\"a\":1"));
    assert_null(dump->fault);
    dump_take(dump, STR(",\"a\":1"));
    assert_non_null(dump->fault);
    assert_int_equal(dump->n, DUMP_ENTRIES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_entry_lies_where_it_stands_in_pieces_of_any_size),
        cmocka_unit_test(a_text_that_is_cut_anywhere_is_none),
        cmocka_unit_test(what_is_no_object_of_names_is_refused_where_it_is_none),
        cmocka_unit_test(there_are_as_many_as_an_answer_has),
    };

    return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
