/* test_http_range.c - one range of bytes, and entity tags. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/message/http_range.h"
#include "tests/unit/arena.h"

static void one_range_is_read_and_all_else_is_the_whole(void **state)
{
    (void)state;
    static const struct {
        const char *header;
        enum http_range is;
        int64_t at, end;
    } cases[] = {
        { "bytes=0-0", RANGE_PART, 0, 1 },
        { "bytes=0-", RANGE_PART, 0, 100 },
        { "Bytes=5-9", RANGE_PART, 5, 10 },
        { "bytes=99-200", RANGE_PART, 99, 100 },
        { "bytes=-1", RANGE_PART, 99, 100 },
        { "bytes=-1000", RANGE_PART, 0, 100 },
        { "bytes=-99999999999999999999", RANGE_PART, 0, 100 },
        { "bytes=1-99999999999999999999", RANGE_PART, 1, 100 },
        { "bytes=100-", RANGE_UNSATISFIABLE, 0, 0 },
        { "bytes=99999999999999999999-", RANGE_UNSATISFIABLE, 0, 0 },
        { "bytes=-0", RANGE_UNSATISFIABLE, 0, 0 },
        { "", RANGE_NONE, 0, 0 },
        { "bytes=", RANGE_NONE, 0, 0 },
        { "bytes=-", RANGE_NONE, 0, 0 },
        { "bytes=5", RANGE_NONE, 0, 0 },
        { "bytes=9-5", RANGE_NONE, 0, 0 },
        { "bytes=0-1,3-4", RANGE_NONE, 0, 0 },
        { "bytes=a-b", RANGE_NONE, 0, 0 },
        { "bytes=1--2", RANGE_NONE, 0, 0 },
        { "items=0-1", RANGE_NONE, 0, 0 },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        int64_t at, end;
        assert_int_equal(http_range_read(str_of(cases[i].header), 100, &at, &end), cases[i].is);
        if (cases[i].is != RANGE_PART) continue;
        assert_int_equal(at, cases[i].at);
        assert_int_equal(end, cases[i].end);
    }
    int64_t at, end;
    assert_int_equal(http_range_read(STR("bytes=0-"), 0, &at, &end), RANGE_UNSATISFIABLE);
    assert_int_equal(http_range_read(STR("bytes=-1"), 0, &at, &end), RANGE_UNSATISFIABLE);
}

static void a_tag_is_found_in_a_list(void **state)
{
    (void)state;
    struct str tag = STR("\"a\"");

    assert_true(http_tag_matches(STR("\"a\""), tag));
    assert_true(http_tag_matches(STR("\"b\", W/\"a\""), tag));
    assert_true(http_tag_matches(STR(" * "), tag));
    assert_false(http_tag_matches(STR(""), tag));
    assert_false(http_tag_matches(STR("a"), tag));
    assert_false(http_tag_matches(STR("\"ab\""), tag));
}

static void a_weak_tag_is_not_the_same(void **state)
{
    struct str tag = STR("\"a\"");

    (void)state;
    assert_true(http_tag_is_same(STR("\"b\", \"a\""), tag));
    assert_true(http_tag_is_same(STR("*"), tag));
    assert_false(http_tag_is_same(STR("W/\"a\""), tag));
    assert_false(http_tag_is_same(STR(""), tag));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_range_is_read_and_all_else_is_the_whole),
        cmocka_unit_test(a_tag_is_found_in_a_list),
        cmocka_unit_test(a_weak_tag_is_not_the_same),
    };
    return cmocka_run_group_tests_name("http range", tests, make_arena, drop_arena);
}
