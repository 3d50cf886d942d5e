/* test_log.c - each line is one JSON object, whatever its fields hold. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <string.h>

#include "libshared/base/err.h"
#include "libshared/base/log.h"
#include "tests/unit/captured_log.h"

static json_t *parse_line(const char *line)
{
    json_error_t fault;
    json_t *json = json_loadb(line, strcspn(line, "\n"), JSON_REJECT_DUPLICATES, &fault);

    if (json == NULL) fail_msg("%s in %s", fault.text, line);
    return json;
}

static const char *text_in(json_t *json, const char *key)
{
    return json_string_value(json_object_get(json, key));
}

static void write_one(void)
{
    LOG(WARN, "peer.lost", F_TEXT("peer", "chat"), F_INT("n", -3), F_REAL("r", 0.25), F_BOOL("b", true),
        F_STR("none", STR_NONE), F_REAL("nan", NAN), F_ID("id", ((struct id){ { 1 } })));
}

static void a_line_has_the_time_the_level_the_service_and_the_fields(void **state)
{
    json_t *json = parse_line(captured_log(write_one));

    (void)state;
    assert_int_equal(strlen(text_in(json, "at")), strlen("2026-01-02T03:04:05.678Z"));
    assert_string_equal(text_in(json, "level"), "warn");
    assert_string_equal(text_in(json, "service"), "test");
    assert_string_equal(text_in(json, "event"), "peer.lost");
    assert_string_equal(text_in(json, "peer"), "chat");
    assert_int_equal(json_integer_value(json_object_get(json, "n")), -3);
    assert_true(json_real_value(json_object_get(json, "r")) == 0.25);
    assert_true(json_is_true(json_object_get(json, "b")));
    assert_true(json_is_null(json_object_get(json, "none")) && json_is_null(json_object_get(json, "nan")));
    assert_string_equal(text_in(json, "id"), "01000000-0000-0000-0000-000000000000");
    json_decref(json);
}

static void write_odd_bytes(void)
{
    LOG(INFO, "x", F_STR("s", ((struct str){ "\"\\\n\x1e\0\xff\xc3\xa9\xe2\x82\x7f", 11 })));
}

static void odd_bytes_are_escaped_or_replaced(void **state)
{
    const char *line = captured_log(write_odd_bytes);

    (void)state;
    assert_non_null(
        strstr(line, "\"s\":\"\\\"\\\\\\u000a\\u001e\\u0000\xEF\xBF\xBD\xc3\xa9\xEF\xBF\xBD\xEF\xBF\xBD\\u007f\""));
    assert_string_equal(strchr(line, '\n'), "\n");
}

static void write_much(void)
{
    static char text[20000];

    memset(text, 'x', sizeof text - 1);
    LOG(INFO, "x", F_TEXT("a", text), F_TEXT("b", text), F_TEXT("c", text), F_TEXT("d", text), F_INT("e", 5));
}

static void a_line_is_bounded_and_stays_json(void **state)
{
    const char *line = captured_log(write_much);
    json_t *json = parse_line(line);

    (void)state;
    assert_true(strlen(line) <= 4096);
    assert_true(strlen(text_in(json, "a")) > 1000);
    assert_null(json_object_get(json, "d"));
    assert_true(json_is_true(json_object_get(json, "cut")));
    assert_int_equal(json_integer_value(json_object_get(json, "e")), 5);
    json_decref(json);
}

static void *write_many(void *arg)
{
    for (int i = 0; i < 200; i++) LOG(INFO, "many", F_TEXT("who", arg), F_INT("i", i));
    return NULL;
}

static void write_from_threads(void)
{
    static char name[] = "thread";
    pthread_t threads[4];

    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, write_many, name);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
}

static void lines_of_threads_do_not_mix(void **state)
{
    const char *log = captured_log(write_from_threads);

    (void)state;
    for (const char *line = log; *line; line = strchr(line, '\n') + 1) json_decref(parse_line(line));
    assert_int_equal(count_lines(log), 800);
}

static void write_below_the_threshold(void)
{
    LOG(DEBUG, "unseen");
}

static void levels_have_names_and_a_threshold(void **state)
{
    enum log_level level = LOG_INFO;

    (void)state;
    assert_string_equal(captured_log(write_below_the_threshold), "");
    assert_true(log_level_parse(STR("error"), &level) && level == LOG_ERROR);
    assert_false(log_level_parse(STR("loud"), &level));
}

static void write_more_than_a_place_may(void)
{
    for (int n = 0; n < LOG_BOUNDED_LINES + 100; n++) LOG_BOUNDED(WARN, "flood", F_INT("n", n));
}

static void a_place_that_others_can_flood_is_bounded(void **state)
{
    const char *log = captured_log(write_more_than_a_place_may);

    (void)state;
    assert_int_equal(count_lines(log), LOG_BOUNDED_LINES);
    assert_null(strstr(log, "left_out"));
}

static void what_was_left_out_is_said_once(void **state)
{
    struct log_bound bound = { 0 };
    int64_t left_out = -1;
    int written = 0;

    (void)state;
    for (int n = 0; n < LOG_BOUNDED_LINES + 100; n++) written += log_may_write(&bound, &left_out);
    assert_int_equal(written, LOG_BOUNDED_LINES);
    assert_int_equal(left_out, 0);
    bound.since_us -= LOG_BOUNDED_US;
    assert_true(log_may_write(&bound, &left_out));
    assert_int_equal(left_out, 100);
    assert_true(log_may_write(&bound, &left_out));
    assert_int_equal(left_out, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_the_time_the_level_the_service_and_the_fields),
        cmocka_unit_test(odd_bytes_are_escaped_or_replaced),
        cmocka_unit_test(a_line_is_bounded_and_stays_json),
        cmocka_unit_test(lines_of_threads_do_not_mix),
        cmocka_unit_test(a_place_that_others_can_flood_is_bounded),
        cmocka_unit_test(what_was_left_out_is_said_once),
        cmocka_unit_test(levels_have_names_and_a_threshold),
    };
    log_init("test", LOG_INFO);
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
