/* test_media_type.c - Content-Type and Accept, as clients write them. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/message/media_type.h"
#include "tests/unit/arena.h"

static void a_type_is_told_by_its_name_alone(void **state)
{
    (void)state;
    static const char *const same[] = { "application/json", "Application/JSON", " application/json ;charset=utf-8",
        "application/json;x=\"a;b\"" };
    static const char *const other[] = { "", "application/jsonx", "application", "text/plain; a=application/json",
        "application/json, text/plain", "\"application/json\"" };

    for (size_t i = 0; i < COUNT(same); i++) assert_true(media_type_is(str_of(same[i]), "application/json"));
    for (size_t i = 0; i < COUNT(other); i++) assert_false(media_type_is(str_of(other[i]), "application/json"));
}

static const char *boundary_of(const char *header)
{
    struct str got;

    return media_type_param(str_of(header), "boundary", arena, &got) ? arena_cstr(arena, got) : NULL;
}

static void a_parameter_is_found_quoted_or_not_and_only_once(void **state)
{
    (void)state;
    assert_string_equal(boundary_of("multipart/form-data; boundary=abc"), "abc");
    assert_string_equal(boundary_of("multipart/form-data;charset=x ; BOUNDARY = abc "), "abc");
    assert_string_equal(boundary_of("multipart/form-data; boundary=\"a;b \\\"c\""), "a;b \"c");
    assert_string_equal(boundary_of("multipart/form-data; x=\"; boundary=no\"; boundary=yes"), "yes");
    static const char *const none[] = { "", "multipart/form-data", "boundary=abc", "m/f; boundary",
        "m/f; boundary=", "m/f; boundary=\"abc", "m/f; boundary=\"", "m/f; boundary=a; boundary=b" };
    for (size_t i = 0; i < COUNT(none); i++) assert_null(boundary_of(none[i]));
}

static void the_closest_range_decides(void **state)
{
    (void)state;
    static const char *const good[] = { "", "*/*", "application/*", "text/html, application/json;q=0.1",
        "text/html,*/*;q=0.8", "application/json, */*;q=0", "text/*;q=0, */*", "APPLICATION/JSON" };
    static const char *const bad[] = { "text/html", "application/json;q=0", "*/*, application/json;q=0.000",
        "application/*;q=0, */*", "json", "application/jsonx", ",", "text/html;x=\", application/json\"" };

    for (size_t i = 0; i < COUNT(good); i++) assert_true(media_type_accepted(str_of(good[i]), "application/json"));
    for (size_t i = 0; i < COUNT(bad); i++) assert_false(media_type_accepted(str_of(bad[i]), "application/json"));
    assert_true(media_type_accepted(STR_NONE, "application/json"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_type_is_told_by_its_name_alone),
        cmocka_unit_test(a_parameter_is_found_quoted_or_not_and_only_once),
        cmocka_unit_test(the_closest_range_decides),
    };
    return cmocka_run_group_tests_name("media types", tests, make_arena, drop_arena);
}
