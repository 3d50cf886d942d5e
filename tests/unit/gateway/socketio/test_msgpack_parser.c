/* test_msgpack_parser.c - packets of socket.io-msgpack-parser: read strictly, and written as its decoder wants them. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/socketio/codec_msgpack.h"
#include "services/gateway/socketio/packet.h"
#include "tests/unit/arena.h"

static struct str part_at[SIO_MAX_ATTACHMENTS];
static struct json_parts parts;

/* The packet's text form in the arena, or NULL. */
static const char *text_of(struct str bytes)
{
    struct buf text = BUF(msgpack_json_bound(bytes.len, SIO_MAX_ATTACHMENTS) + 8);

    parts = (struct json_parts){ part_at, 0, SIO_MAX_ATTACHMENTS };
    bool good = msgpack_packet_to_text(bytes, &text, &parts);
    const char *out = good ? arena_cstr(arena, buf_str(&text)) : NULL;
    buf_free(&text);
    return out;
}

static struct str packed(const char *text, const struct str *with, unsigned n)
{
    struct buf bytes = BUF(1u << 22);

    assert_true(msgpack_packet_from_text(str_of(text), with, n, &bytes));
    struct str out = arena_str(arena, buf_str(&bytes));
    buf_free(&bytes);
    return out;
}

static void packets_of_the_library_are_read(void **state)
{
    (void)state;
    assert_string_equal(text_of(bytes_of("83a47479706500a464617461d40000a36e7370a12f")), "0/,");
    assert_string_equal(
        text_of(bytes_of("83a47479706500a46461746181a17401a36e7370a62f61646d696e")), "0/admin,{\"t\":1}");
    assert_string_equal(
        text_of(bytes_of("85a47479706502a46461746193a568656c6c6f01c4020102a76f7074696f6e7381a8636f6d7072"
                         "657373c3a269640ca36e7370a62f61646d696e")),
        "51-/admin,12[\"hello\",1,{\"_placeholder\":true,\"num\":0}]");
    assert_true(parts.n == 1 && str_eq(parts.at[0], STR("\x01\x02")));
    assert_string_equal(text_of(bytes_of("82a36e7370a12fa47479706501")), "1/,");
}

static void what_is_no_packet_is_refused(void **state)
{
    static const char *const wrong[] = {
        "", "c1", "93010203", "82a47479706502a36e7370a12f00", /* something behind it */
        "81a47479706502",                                     /* no namespace */
        "82a47479706502a36e7370a0",                           /* an empty one */
        "82a47479706502a36e7370a178",                         /* without its slash */
        "82a47479706502a36e7370a42f612c62",                   /* with a comma */
        "82a47479706505a36e7370a12f",                         /* a type that this parser has not */
        "82a474797065a132a36e7370a12f",                       /* a type in words */
        "83a47479706502a36e7370a12fa26964ff",                 /* an id below zero */
        "83a47479706502a36e7370a12fa26964a131",               /* in words */
        "83a47479706500a36e7370a12fa464617461c4010f",         /* binary in a CONNECT */
        "83a47479706500a36e7370a12fa46461746107",             /* a number for an object */
        "82a47479706502a36e7370a22fff",                       /* a namespace that is not UTF-8 */
        "820102a36e7370a12f",                                 /* a key that is no text */
    };

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++)
        if (text_of(bytes_of(wrong[i])) != NULL) fail_msg("taken: %s", wrong[i]);
}

static void a_packet_cut_anywhere_is_refused(void **state)
{
    struct str whole = packed("2/admin,12[\"a\",{\"b\":[1.5,\"\\u0001\",null]}]", NULL, 0);

    (void)state;
    assert_non_null(text_of(whole));
    for (size_t n = 0; n < whole.len; n++) assert_null(text_of((struct str){ whole.at, n }));
}

static void text_survives_the_way_there_and_back(void **state)
{
    static const char *const same[] = {
        "2/,[\"x\"]",
        "2/,0[\"x\",0,127,128,255,256,65535,65536,4294967295,4294967296,18446744073709551615]",
        "3/chat,9007199254740991[]",
        "2/,[\"x\",-1,-32,-33,-128,-129,-32768,-32769,-2147483648,-2147483649,-9223372036854775807]",
        "2/,[\"x\",1.5,-0.25,1e+300,true,false,null,\"\",{},[],[[]],{\"a\":{\"b\":[]}}]",
        "2/,[\"x\",\"\xeb\xa7\x88\xeb\x8b\xb9 \\\"\\\\\\n\\u0001\\u001e\"]",
        "0/,{\"sid\":\"abc\"}",
        "1/admin,",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(same); i++) assert_string_equal(text_of(packed(same[i], NULL, 0)), same[i]);
}

static void long_texts_and_lists_have_their_long_forms(void **state)
{
    static const size_t lengths[] = { 31, 32, 255, 256, 65535, 65536 };
    char *text = arena_alloc(arena, 200000);

    (void)state;
    for (size_t i = 0; i < COUNT(lengths); i++) {
        size_t n = (size_t)sprintf(text, "2/,[\"x\",\"\\n");
        memset(text + n, 'y', lengths[i] - 1);
        memcpy(text + n + lengths[i] - 1, "\"]", 3);
        assert_string_equal(text_of(packed(text, NULL, 0)), text);
    }
    for (size_t i = 0; i < COUNT(lengths); i++) {
        size_t n = (size_t)sprintf(text, "2/,[\"x\"");
        for (size_t k = 1; k < lengths[i]; k++, n += 2) memcpy(text + n, ",1", 2);
        memcpy(text + n, "]", 2);
        assert_string_equal(text_of(packed(text, NULL, 0)), text);
    }
}

static void escapes_become_their_characters(void **state)
{
    (void)state;
    struct str bytes = packed("2[\"\\u00e9\\ud83c\\udf89x\\/\"]", NULL, 0);

    assert_string_equal(text_of(bytes), "2/,[\"\xc3\xa9\xf0\x9f\x8e\x89x/\"]");
}

static void placeholders_become_binaries_wherever_they_stand(void **state)
{
    struct str two[] = { STR("\x01"), STR("") };

    (void)state;
    struct str bytes =
        packed("52-[\"x\",{\"num\" : 1 , \"_placeholder\" : true },[{\"_placeholder\":true,\"num\":0}]]", two, 2);
    assert_string_equal(
        text_of(bytes), "52-/,[\"x\",{\"_placeholder\":true,\"num\":0},[{\"_placeholder\":true,\"num\":1}]]");
    assert_true(parts.at[0].len == 0 && str_eq(parts.at[1], two[0]));
    bytes = packed("2[\"x\",{\"_placeholder\":true,\"num\":0}]", NULL, 0);
    assert_string_equal(text_of(bytes), "2/,[\"x\",{\"_placeholder\":true,\"num\":0}]");
    assert_int_equal(parts.n, 0);
}

static void what_is_no_json_is_not_written(void **state)
{
    static const char *const wrong[] = { "2[", "2[1", "2[1,", "2[1 2]", "2{\"a\"}", "2{\"a\":}", "2{a:1}", "2\"\\u12\"",
        "2\"\\x\"", "2tru", "2\"", "2\"\\ud800\"", "2{\"a\":1,\"a\":2}", "2{\"_placeholder\":true,\"num\":1}",
        "2{\"_placeholder\":true}", "2{\"_placeholder\":true,\"num\":\"0\"}" };
    struct str one = STR("b");

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct buf out = BUF(1000);
        if (msgpack_packet_from_text(str_of(wrong[i]), &one, 1, &out)) fail_msg("taken: %s", wrong[i]);
        buf_free(&out);
    }
}

/* An event "x" with this one argument, in hex. */
static const char *argument(const char *hex)
{
    static char packet[200];

    snprintf(packet, sizeof packet, "83a47479706502a36e7370a12fa46461746192a178%s", hex);
    return text_of(bytes_of(packet));
}

static void extensions_are_read_as_notepack_reads_them(void **state)
{
    (void)state;
    static const struct {
        const char *hex, *text;
    } cases[] = {
        { "d40000", "2/,[\"x\",null]" },
        { "81a161d40000", "2/,[\"x\",{}]" },
        { "c7010061", "51-/,[\"x\",{\"_placeholder\":true,\"num\":0}]" },
        { "c708000000000000000000", "51-/,[\"x\",{\"_placeholder\":true,\"num\":0}]" },
        { "c8000300616263", "51-/,[\"x\",{\"_placeholder\":true,\"num\":0}]" },
        { "c90000000000", "51-/,[\"x\",{\"_placeholder\":true,\"num\":0}]" },
        { "d70000000000000003e8", "2/,[\"x\",\"1970-01-01T00:00:01.000Z\"]" },
        { "d700ffffffffffffffff", "2/,[\"x\",\"1969-12-31T23:59:59.999Z\"]" },
        { "d6ff00000001", "2/,[\"x\",\"1970-01-01T00:00:01.000Z\"]" },
        { "d7ff77359400ffffffff", "2/,[\"x\",\"2106-02-07T06:28:15.500Z\"]" },
        { "c70cff000f4240ffffffffffffffff", "2/,[\"x\",\"1969-12-31T23:59:59.001Z\"]" },
        { "c70cff0007a120ffffffffffffffff", "2/,[\"x\",\"1969-12-31T23:59:59.001Z\"]" },
        { "c70cff000000007fffffffffffffff", "2/,[\"x\",null]" },
        { "d5006162", "51-/,[\"x\",[0,{\"_placeholder\":true,\"num\":0}]]" },
        { "d40561", "51-/,[\"x\",[5,{\"_placeholder\":true,\"num\":0}]]" },
        { "c70180ff", "51-/,[\"x\",[-128,{\"_placeholder\":true,\"num\":0}]]" },
        { "cb7ff8000000000000", "2/,[\"x\",null]" },
        { "cb7ff0000000000000", "2/,[\"x\",null]" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *text = argument(cases[i].hex);
        if (text == NULL || strcmp(text, cases[i].text) != 0) fail_msg("%s is %s", cases[i].hex, text);
    }
    assert_non_null(argument("c7010061"));
    assert_true(parts.n == 1 && str_is(parts.at[0], "a"));
    assert_null(argument("c70500616263"));
}

static void depth_is_bounded(void **state)
{
    char hex[400] = "";
    struct str head = bytes_of("83a47479706502a36e7370a12fa464617461");

    (void)state;
    for (int depth = 60; depth <= 70; depth++) {
        memcpy(hex, head.at, head.len);
        memset(hex + head.len, '\x91', (size_t)depth);
        hex[head.len + (size_t)depth] = '\x01';
        bool taken = text_of((struct str){ hex, head.len + (size_t)depth + 1 }) != NULL;
        assert_int_equal(taken, depth <= MSGPACK_MAX_DEPTH);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_of_the_library_are_read),
        cmocka_unit_test(what_is_no_packet_is_refused),
        cmocka_unit_test(a_packet_cut_anywhere_is_refused),
        cmocka_unit_test(text_survives_the_way_there_and_back),
        cmocka_unit_test(long_texts_and_lists_have_their_long_forms),
        cmocka_unit_test(escapes_become_their_characters),
        cmocka_unit_test(placeholders_become_binaries_wherever_they_stand),
        cmocka_unit_test(what_is_no_json_is_not_written),
        cmocka_unit_test(extensions_are_read_as_notepack_reads_them),
        cmocka_unit_test(depth_is_bounded),
    };
    return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
