/* test_json.c - JSON to msgpack and back: what is kept, what is refused. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "libshared/wire/json_text.h"
#include "libshared/wire/records.h"

#define ROOM "\"room\":\"0190a0b1-c2d3-7e4f-8a5b-6c7d8e9fa0b1\""

static struct wire_error why;

static enum err any_round(const char *json, struct buf *back)
{
    struct buf b = BUF(1 << 20);
    enum err e = wire_any_from_json(str_of(json), &b);

    if (e == OK) e = wire_any_to_json(buf_str(&b), back);
    buf_free(&b);
    return e;
}

static void values_come_back_as_they_were(void **state)
{
    static const char *const same[] = { "null", "true", "false", "0", "-1", "9223372036854775807",
        "-9223372036854775808", "1.0", "-0.0", "18446744073709551615", "0.1", "1e-07", "1.7976931348623157e+308",
        "2.2250738585072014e-308", "123456789.125", "\"\"", "\"caf\xC3\xA9 \xF0\x9F\x98\x80\"",
        "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001e\\u001f\"", "[]", "{}", "[[],{}]",
        "{\"b\":1,\"a\":[1,2.5,\"x\",null],\"\":{\"\\n\":false}}" };

    (void)state;
    for (size_t i = 0; i < COUNT(same); i++) {
        struct buf back = BUF(1 << 20);
        assert_int_equal(any_round(same[i], &back), OK);
        buf_add_char(&back, '\0');
        assert_string_equal(back.at, same[i]);
        buf_free(&back);
    }
}

static void what_is_not_json_is_malformed(void **state)
{
    static const char *const bad[] = { "", " ", "{", "[1,]", "{\"a\"}", "nul", "1 2", "{}{}", "'a'", "\"\xFF\"",
        "\"\x01\"", "01", "[NaN]", "// x\n1", "[1e]", "[1.]", "[.5]", "[+1]", "[-]", "[\"\\ud8\"]", "[\"\\x\"]",
        "\"\\u004`\"", "\"\\u0@41\"", "{,}", "[,1]", "{\"a\" 1}", "[1}", "{\"a\":1]" };
    struct buf back = BUF(1 << 20);

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) assert_int_equal(any_round(bad[i], &back), ERR_MALFORMED);
    assert_int_equal(back.len, 0);
    buf_free(&back);
}

static void json_that_others_would_read_otherwise_is_refused(void **state)
{
    static const char *const bad[] = { "\"\\u0000\"", "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\ud800\\u0041\"",
        "1e999", "-1e309", "1e-400", "{\"\\u0000\":1}", "{\"\\udfff\":1}", "[[[1e131071]]]", "1e-131071" };
    static const char *const good[] = { "5e-324", "1.7976931348623157e308", "0e999", "0.000", "-0",
        "\"\\ud83d\\ude00\"" };
    struct buf back = BUF(1 << 20);

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) assert_int_equal(any_round(bad[i], &back), ERR_INVALID_ARGUMENT);
    assert_int_equal(back.len, 0);
    for (size_t i = 0; i < COUNT(good); i++) assert_int_equal(any_round(good[i], &back), OK);
    buf_free(&back);
}

static void a_key_given_twice_is_refused(void **state)
{
    struct buf b = BUF(1 << 20);

    (void)state;
    assert_int_equal(wire_any_from_json(STR("{\"a\":1,\"a\":1}"), &b), ERR_INVALID_ARGUMENT);
    assert_int_equal(wire_from_json(room_ref_shape(), STR("{" ROOM "," ROOM "}"), &b, &why), ERR_INVALID_ARGUMENT);
    assert_int_equal(wire_any_from_json(STR("[{\"a\":1},{\"a\":1}]"), &b), OK);
    assert_int_equal(wire_any_from_json(STR("{\"a\":{\"a\":{\"a\":1}},\"b\":{\"a\":1}}"), &b), OK);
    assert_int_equal(wire_any_from_json(STR("{\"a\":1,\"b\":{\"c\":1,\"\\u0063\":2}}"), &b), ERR_INVALID_ARGUMENT);
    assert_int_equal(wire_any_from_json(STR("{\"\":1,\"\":2}"), &b), ERR_INVALID_ARGUMENT);
    buf_free(&b);
}

/* More keys than are compared each with each, and more than the cursor has room for from the start. */
static void a_key_given_twice_is_found_among_many(void **state)
{
    (void)state;
    for (int n = 2; n < 3000; n += n < 80 ? 1 : 977) {
        struct buf json = BUF(1 << 20), b = BUF(1 << 20);
        buf_add_char(&json, '{');
        for (int i = 0; i < n; i++) buf_printf(&json, "\"k%d\":{\"k0\":1,\"\":2},", i);
        buf_printf(&json, "\"last\":0}");
        assert_int_equal(wire_any_from_json(buf_str(&json), &b), OK);
        json.len -= 9;
        buf_printf(&json, "\"k%d\":0}", n / 2);
        assert_int_equal(wire_any_from_json(buf_str(&json), &b), ERR_INVALID_ARGUMENT);
        buf_free(&json);
        buf_free(&b);
    }
}

static void one_key_again_and_again_is_refused_without_much_ado(void **state)
{
    struct buf json = BUF(4 << 20), b = BUF(4 << 20);

    (void)state;
    buf_add_char(&json, '{');
    for (int i = 0; i < 200000; i++) buf_add_str(&json, STR("\"\":0,"));
    buf_add_str(&json, STR("\"\":0}"));
    assert_int_equal(wire_any_from_json(buf_str(&json), &b), ERR_INVALID_ARGUMENT);
    buf_free(&json);
    buf_free(&b);
}

static void a_refusal_says_where(void **state)
{
    struct buf b = BUF(1 << 20);

    (void)state;
    assert_int_equal(wire_from_json(room_query_shape(), STR("{\"x\":[\"\\ud800\"]}"), &b, &why), ERR_INVALID_ARGUMENT);
    assert_string_equal(why.text, "the JSON has half of a surrogate pair, at byte 7");
    assert_int_equal(
        wire_from_json(room_query_shape(), STR("{\"x\":1,\"\\u0078\":1}"), &b, &why), ERR_INVALID_ARGUMENT);
    assert_string_equal(why.text, "the JSON has a key that is given twice, at byte 7");
    assert_int_equal(wire_from_json(room_query_shape(), STR("{\"limit\":5,}"), &b, &why), ERR_MALFORMED);
    assert_string_equal(why.text, "the JSON is not well-formed, at byte 11");
    buf_free(&b);
}

static enum err brackets(unsigned depth, struct buf *out)
{
    struct buf json = BUF(1 << 20);

    for (unsigned i = 0; i < depth; i++) buf_add_char(&json, '[');
    for (unsigned i = 0; i < depth; i++) buf_add_char(&json, ']');
    enum err e = wire_any_from_json(buf_str(&json), out);
    buf_free(&json);
    return e;
}

static void nesting_is_bounded_before_anyone_recurses(void **state)
{
    struct buf b = BUF(1 << 20);

    (void)state;
    assert_int_equal(brackets(WIRE_MAX_DEPTH, &b), OK);
    assert_int_equal(brackets(WIRE_MAX_DEPTH + 1, &b), ERR_MALFORMED);
    assert_int_equal(brackets(100000, &b), ERR_MALFORMED);
    assert_int_equal(wire_any_from_json(STR("\"[[[[[[[[[[[[[[[[[[[[ \\\" [[[[[\""), &b), OK);
    buf_free(&b);
}

/* A draft of a message with this `meta`. */
static enum err take_meta(const char *meta)
{
    struct buf json = BUF(1 << 20), b = BUF(1 << 20);

    buf_printf(&json, "{" ROOM ",\"id\":\"12345678\",\"body\":\"x\",\"meta\":%s}", meta);
    enum err e = wire_from_json(message_draft_shape(), buf_str(&json), &b, &why);
    assert_true(e == OK || b.len == 0);
    buf_free(&json);
    buf_free(&b);
    return e;
}

static void an_any_is_bounded_in_depth_and_size(void **state)
{
    char text[5000];

    (void)state;
    assert_int_equal(take_meta("[[[[[[[[[[[[1]]]]]]]]]]]]"), OK);
    assert_int_equal(take_meta("[[[[[[[[[[[[[1]]]]]]]]]]]]]"), ERR_INVALID_ARGUMENT);
    assert_string_equal(why.field, "meta");
    memset(text, 'x', sizeof text);
    text[0] = '"';
    text[4094] = '"';
    text[4095] = '\0';
    assert_int_equal(take_meta(text), OK);
    text[4094] = 'x';
    text[4095] = '"';
    text[4096] = '\0';
    assert_int_equal(take_meta(text), ERR_INVALID_ARGUMENT);
    assert_int_equal(take_meta("null"), OK);
}

static void a_refusal_names_the_field_and_where_it_lies(void **state)
{
    struct buf b = BUF(1 << 20);
    static const char json[] =
        "{\"name\":\"x\",\"rules\":[{\"effect\":\"allow\"},{\"effect\":\"deny\",\"events\":[\"a\",7]}]}";

    (void)state;
    assert_int_equal(wire_from_json(policy_shape(), str_of(json), &b, &why), ERR_INVALID_ARGUMENT);
    assert_string_equal(why.field, "rules[1].events");
    assert_string_equal(why.text, "rules[1].events: is not a list of texts");
    assert_int_equal(wire_from_json(room_ref_shape(), STR("[]"), &b, &why), ERR_INVALID_ARGUMENT);
    assert_string_equal(why.field, "");
    assert_int_equal(wire_from_json(room_ref_shape(), STR("{\"secret\":\"mdk_x"), &b, &why), ERR_MALFORMED);
    assert_null(strstr(why.text, "mdk"));
    buf_free(&b);
}

/* A peer's msgpack obeys what the door asks of JSON: it is said as JSON again. */
static void an_any_of_msgpack_has_each_key_once(void **state)
{
    static const struct {
        const char *any;
        size_t len;
        enum err e;
    } cases[] = { { "\x82\xa1x\x01\xa1y\x02", 7, OK }, { "\x82\xa1x\x01\xa1x\x02", 7, ERR_INVALID_ARGUMENT },
        { "\x91\x83\xa1x\x01\xa1y\x02\xa1x\x03", 11, ERR_INVALID_ARGUMENT }, { "\xa1\x00", 2, ERR_INVALID_ARGUMENT } };
    struct arena *arena = arena_create("test", 1u << 20);

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct message_draft draft = { .id = STR("12345678"),
            .body = STR("x"),
            .meta = { cases[i].any, cases[i].len } },
                             got;
        struct buf b = BUF(1000);
        draft.room.b[0] = 1;
        assert_int_equal(wire_encode(message_draft_shape(), &draft, &b), OK);
        assert_int_equal(wire_decode(message_draft_shape(), buf_str(&b), arena, &got, &why), cases[i].e);
        buf_free(&b);
    }
    arena_destroy(&arena);
}

static void integers_are_integers(void **state)
{
    struct buf b = BUF(1 << 20);

    (void)state;
    assert_int_equal(wire_from_json(room_query_shape(), STR("{\"limit\":5}"), &b, &why), OK);
    assert_int_equal(wire_from_json(room_query_shape(), STR("{\"limit\":5.0}"), &b, &why), ERR_INVALID_ARGUMENT);
    assert_int_equal(wire_from_json(room_query_shape(), STR("{\"limit\":\"5\"}"), &b, &why), ERR_INVALID_ARGUMENT);
    assert_int_equal(wire_from_json(room_query_shape(), STR("{\"limit\":null}"), &b, &why), ERR_INVALID_ARGUMENT);
    buf_free(&b);
}

static void an_integer_beyond_64_bits_is_a_real_and_its_neighbours_stay(void **state)
{
    struct buf b = BUF(1 << 20), json = BUF(1 << 20);
    static const char text[] = "{\"limit\":5,\"future\":100000000000000000000}";

    (void)state;
    assert_int_equal(any_round("[100000000000000000000,7,-7,0.5]", &json), OK);
    assert_true(str_is(buf_str(&json), "[1e+20,7,-7,0.5]"));
    assert_int_equal(wire_from_json(room_query_shape(), str_of(text), &b, &why), OK);
    buf_clear(&json);
    assert_int_equal(wire_to_json(room_query_shape(), buf_str(&b), &json), OK);
    assert_true(str_is(buf_str(&json), "{\"limit\":5}"));
    assert_int_equal(
        wire_from_json(room_query_shape(), STR("{\"limit\":9223372036854775808}"), &b, &why), ERR_INVALID_ARGUMENT);
    buf_free(&b);
    buf_free(&json);
}

static enum err take_args(const char *base64, struct buf *out)
{
    struct buf json = BUF(1 << 20);

    buf_printf(&json, "{" ROOM ",\"namespace\":\"/\",\"event\":\"e\",\"args\":\"%s\"}", base64);
    enum err e = wire_from_json(relay_shape(), buf_str(&json), out, &why);
    buf_free(&json);
    return e;
}

static void bytes_are_base64(void **state)
{
    static const char *const bad[] = { "A", "A===", "AA=", "AA=A", "AA==AA==", "AA-_", "A A=", "====" };
    struct buf b = BUF(1 << 20), json = BUF(1 << 20);

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) assert_int_equal(take_args(bad[i], &b), ERR_INVALID_ARGUMENT);
    assert_int_equal(take_args("+/8=", &b), OK);
    assert_int_equal(wire_to_json(relay_shape(), buf_str(&b), &json), OK);
    buf_add_char(&json, '\0');
    assert_non_null(strstr(json.at, "\"args\":\"+/8=\""));
    buf_free(&b);
    buf_free(&json);
}

static void a_full_buffer_is_too_large_and_stays_as_it_was(void **state)
{
    struct buf b = BUF(20);

    (void)state;
    buf_add(&b, "before", 6);
    assert_int_equal(wire_from_json(room_ref_shape(), STR("{" ROOM "}"), &b, &why), ERR_TOO_LARGE);
    assert_true(str_is(buf_str(&b), "before"));
    buf_free(&b);
}

static void what_json_cannot_say_is_refused_on_the_way_out(void **state)
{
    static const struct str bad[] = { { "\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00", 9 }, /* infinite */
        { "\xd4\x01z", 3 },                                                          /* an extension */
        { "\x81\x01\x02", 3 },                                                       /* a key that is no text */
        { "\xa1\xff", 2 }, { "\xa1\x00", 2 } };
    struct buf json = BUF(1 << 20);

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) assert_int_equal(wire_any_to_json(bad[i], &json), ERR_INVALID_ARGUMENT);
    assert_int_equal(wire_to_json(room_ref_shape(), STR("\x80"), &json), ERR_INVALID_ARGUMENT);
    assert_int_equal(json.len, 0);
    assert_int_equal(wire_any_to_json((struct str){ "\xcf\xff\xff\xff\xff\xff\xff\xff\xff", 9 }, &json), OK);
    assert_true(str_is(buf_str(&json), "18446744073709551615"));
    buf_free(&json);
}

static void assert_escapes_found(char fill, size_t len)
{
    static const char special[] = { '"', '\\', '\n', '\x1f', '\0' };
    char text[80];

    memset(text, fill, len);
    assert_int_equal(json_plain_length((struct str){ text, len }), len);
    for (size_t at = 0; at < len; at++) {
        for (size_t i = 0; i < sizeof special; i++) {
            text[at] = special[i];
            assert_int_equal(json_plain_length((struct str){ text, len }), at);
        }
        text[at] = fill;
    }
}

static void what_has_to_be_escaped_is_found_wherever_it_stands(void **state)
{
    static const char plain[] = { ' ', '!', '#', '[', ']', '\x7f', '\x80', '\xff' };

    (void)state;
    for (size_t len = 1; len <= 80; len++)
        for (size_t i = 0; i < sizeof plain; i++) assert_escapes_found(plain[i], len);
}

static void assert_printed(uint64_t n)
{
    struct buf json = BUF(100);
    char text[32];

    snprintf(text, sizeof text, "%" PRIu64, n);
    json_put_uint(&json, n);
    assert_true(str_is(buf_str(&json), text));
    buf_free(&json);
}

static void a_number_has_all_its_digits(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < 1200; n++) assert_printed(n);
    for (uint64_t ten = 1000; ten <= UINT64_MAX / 10; ten *= 10)
        for (uint64_t digit = 1; digit <= 10; digit++) {
            assert_printed(ten * digit - 1);
            assert_printed(ten * digit);
        }
    assert_printed(UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_has_all_its_digits),
        cmocka_unit_test(what_has_to_be_escaped_is_found_wherever_it_stands),
        cmocka_unit_test(values_come_back_as_they_were),
        cmocka_unit_test(what_is_not_json_is_malformed),
        cmocka_unit_test(json_that_others_would_read_otherwise_is_refused),
        cmocka_unit_test(a_key_given_twice_is_refused),
        cmocka_unit_test(a_key_given_twice_is_found_among_many),
        cmocka_unit_test(one_key_again_and_again_is_refused_without_much_ado),
        cmocka_unit_test(a_refusal_says_where),
        cmocka_unit_test(nesting_is_bounded_before_anyone_recurses),
        cmocka_unit_test(an_any_is_bounded_in_depth_and_size),
        cmocka_unit_test(a_refusal_names_the_field_and_where_it_lies),
        cmocka_unit_test(an_any_of_msgpack_has_each_key_once),
        cmocka_unit_test(integers_are_integers),
        cmocka_unit_test(an_integer_beyond_64_bits_is_a_real_and_its_neighbours_stay),
        cmocka_unit_test(bytes_are_base64),
        cmocka_unit_test(a_full_buffer_is_too_large_and_stays_as_it_was),
        cmocka_unit_test(what_json_cannot_say_is_refused_on_the_way_out),
    };
    return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
