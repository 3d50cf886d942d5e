/* test_eio_payload.c - polling bodies and packets, as they are on the wire. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "services/gateway/engineio/payload.h"
#include "services/gateway/engineio/session_private.h"

static void base64_goes_there_and_back(void **state)
{
    static const struct {
        const char *bytes, *text;
    } table[] = {
        { "", "" },
        { "f", "Zg==" },
        { "fo", "Zm8=" },
        { "foo", "Zm9v" },
        { "foob", "Zm9vYg==" },
        { "fooba", "Zm9vYmE=" },
        { "foobar", "Zm9vYmFy" },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        char text[16] = "";
        unsigned char bytes[16];
        size_t len;
        base64_encode(text, str_of(table[i].bytes));
        assert_string_equal(text, table[i].text);
        assert_int_equal(base64_length(strlen(table[i].bytes)), strlen(table[i].text));
        assert_true(base64_decode(str_of(text), bytes, &len));
        assert_int_equal(len, strlen(table[i].bytes));
        assert_memory_equal(bytes, table[i].bytes, len);
    }
}

static void padding_may_be_left_out(void **state)
{
    unsigned char bytes[8];
    size_t len;
    (void)state;
    assert_true(base64_decode(STR("Zg"), bytes, &len));
    assert_int_equal(len, 1);
    assert_true(base64_decode(STR("Zm8"), bytes, &len));
    assert_int_equal(len, 2);
}

static void what_is_not_base64_is_refused(void **state)
{
    static const char *const bad[] = { "Z", "Zm9vY", "Zg=", "Z===", "====", "Zm 9", "!!!!", "Zm9v\n",
        "Zg==Zg==", "Zm-_" };
    unsigned char bytes[16];
    size_t len;
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++)
        if (base64_decode(str_of(bad[i]), bytes, &len)) fail_msg("%s was taken", bad[i]);
}

static void large_binaries_survive(void **state)
{
    size_t size = 100001, len;
    char *bytes = mem_alloc(size), *text = mem_alloc(base64_length(size));
    unsigned char *again = mem_alloc(size + 8);
    (void)state;
    for (size_t i = 0; i < size; i++) bytes[i] = (char)(i * 31 + i / 256);
    base64_encode(text, (struct str){ bytes, size });
    assert_true(base64_decode((struct str){ text, base64_length(size) }, again, &len));
    assert_int_equal(len, size);
    assert_memory_equal(bytes, again, size);
    mem_free(bytes);
    mem_free(text);
    mem_free(again);
}

static void a_body_is_cut_at_its_separators(void **state)
{
    struct payload payload = payload_begin(STR("4a\x1e\x1e"
                                               "3"));
    struct str packet;
    (void)state;
    assert_true(payload_next(&payload, &packet));
    assert_true(str_is(packet, "4a"));
    assert_true(payload_next(&payload, &packet));
    assert_int_equal(packet.len, 0);
    assert_true(payload_next(&payload, &packet));
    assert_true(str_is(packet, "3"));
    assert_false(payload_next(&payload, &packet));
}

static void a_packet_stands_ready_as_a_frame(void **state)
{
    (void)state;
    struct eio_packet *text = eio_packet_text(STR("hello"));
    assert_true(str_eq(packet_frame(text), STR("\x81\x06"
                                               "4hello")));
    assert_true(str_eq(packet_payload(text), STR("4hello")));
    struct eio_packet *binary = eio_packet_binary(STR("\x01\x02"));
    assert_true(str_eq(packet_frame(binary), STR("\x82\x02\x01\x02")));
    struct eio_packet *base64 = packet_base64(binary);
    assert_true(str_eq(packet_payload(base64), STR("bAQI=")));
    eio_packet_drop(text);
    eio_packet_drop(binary);
    eio_packet_drop(base64);
}

static void parts_are_joined(void **state)
{
    const struct str parts[] = { STR("2[\"news\","), STR_NONE, STR("1"), STR("]") };
    (void)state;
    struct eio_packet *packet = eio_packet_text_parts(parts, COUNT(parts));
    assert_true(str_eq(packet_payload(packet), STR("42[\"news\",1]")));
    assert_int_equal(eio_packet_bytes(packet), 2 + 12);
    eio_packet_drop(packet);
}

static void frame_headers_have_the_shortest_form(void **state)
{
    static const struct {
        size_t payload, header;
    } table[] = {
        { 0, 2 },
        { 125, 2 },
        { 126, 4 },
        { 65535, 4 },
        { 65536, 10 },
    };
    char header[WS_HEADER_MAX];
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++)
        assert_int_equal(ws_frame_header(header, false, table[i].payload), table[i].header);
    ws_frame_header(header, true, 65536);
    assert_memory_equal(header, "\x82\x7f\0\0\0\0\0\x01\0\0", 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_goes_there_and_back),
        cmocka_unit_test(padding_may_be_left_out),
        cmocka_unit_test(what_is_not_base64_is_refused),
        cmocka_unit_test(large_binaries_survive),
        cmocka_unit_test(a_body_is_cut_at_its_separators),
        cmocka_unit_test(a_packet_stands_ready_as_a_frame),
        cmocka_unit_test(parts_are_joined),
        cmocka_unit_test(frame_headers_have_the_shortest_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
