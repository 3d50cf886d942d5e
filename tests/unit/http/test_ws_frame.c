/* test_ws_frame.c - permessage-deflate offers, UTF-8 step by step, close codes: what the RFC suite cannot single out. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>

#include "libshared/http/websocket/ws_deflate.h"
#include "libshared/http/websocket/ws_frame.h"

static void only_offers_that_can_be_kept_are_taken(void **state)
{
    static const struct {
        const char *offer;
        bool taken;
    } table[] = {
        { "permessage-deflate", true },
        { "permessage-deflate; client_max_window_bits", true },
        { "permessage-deflate; client_max_window_bits=10", true },
        { "permessage-deflate;server_no_context_takeover ; client_no_context_takeover", true },
        { "permessage-deflate; server_max_window_bits=15", true },
        { "permessage-deflate; server_max_window_bits=10", false },
        { "permessage-deflate; server_max_window_bits=10, permessage-deflate", true },
        { "permessage-deflate; surprise", false },
        { "x-webkit-deflate-frame", false },
        { "", false },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++)
        if (ws_deflate_is_offered(str_of(table[i].offer)) != table[i].taken) fail_msg("%s", table[i].offer);
}

static void a_bomb_ends_at_the_bound(void **state)
{
    size_t size = 2 << 20;
    struct buf packed = BUF(2 * size), plain = BUF(100000);
    char *zeros = mem_zero(size);
    (void)state;
    ws_deflate((struct str){ zeros, size }, &packed);
    assert_true(packed.len < 10000);
    assert_false(ws_inflate(buf_str(&packed), &plain));
    assert_true(plain.over);
    assert_true(plain.cap <= 100000);
    mem_free(zeros);
    buf_free(&packed);
    buf_free(&plain);
}

static void what_is_no_deflate_stream_is_refused(void **state)
{
    struct buf plain = BUF(1000);
    (void)state;
    assert_false(ws_inflate(STR("\xff\xff\xff\xff"), &plain));
    assert_false(plain.over);
    buf_free(&plain);
}

static bool is_utf8_bytewise(const char *text, size_t len)
{
    uint32_t step = 0;
    for (size_t i = 0; i < len; i++)
        if (!ws_utf8(&step, text + i, 1)) return false;
    return step == 0;
}

static void utf8_is_the_same_whole_and_byte_by_byte(void **state)
{
    static const struct {
        struct str bytes;
        bool good;
    } table[] = {
        { { "", 0 }, true },
        { { "plain ascii that is long", 24 }, true },
        { { "a\0b", 3 }, true },
        { { "\xc3\xbc", 2 }, true },
        { { "\xea\xb0\x80", 3 }, true },
        { { "\xf0\x9f\x8e\x89", 4 }, true },
        { { "\xf4\x8f\xbf\xbf", 4 }, true },
        { { "\xf4\x90\x80\x80", 4 }, false },
        { { "\xc0\xaf", 2 }, false },
        { { "\xe0\x80\xaf", 3 }, false },
        { { "\xed\xa0\x80", 3 }, false },
        { { "\xf0\x80\x80\xaf", 4 }, false },
        { { "\xff", 1 }, false },
        { { "\x80", 1 }, false },
        { { "\xc3", 1 }, false },
        { { "eight by\xff", 9 }, false },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        uint32_t step = 0;
        bool whole = ws_utf8(&step, table[i].bytes.at, table[i].bytes.len) && step == 0;
        if (whole != table[i].good) fail_msg("row %zu, whole", i);
        if (is_utf8_bytewise(table[i].bytes.at, table[i].bytes.len) != table[i].good) fail_msg("row %zu, bytes", i);
    }
}

static bool is_utf8(const char *text, size_t len)
{
    uint32_t step = 0;
    return ws_utf8(&step, text, len) && step == 0;
}

static void what_is_no_ascii_is_seen_wherever_it_stands(void **state)
{
    char text[80];
    (void)state;
    for (size_t len = 1; len <= sizeof text; len++) {
        memset(text, '\x7f', sizeof text);
        assert_true(is_utf8(text, len));
        for (size_t at = 0; at < len; at++) {
            text[at] = '\xff';
            assert_false(is_utf8(text, len));
            text[at] = '\xc3';
            assert_false(is_utf8(text, len));
            if (at + 1 < len) {
                text[at + 1] = '\xbc';
                assert_true(is_utf8(text, len));
                text[at + 1] = '\x7f';
            }
            text[at] = '\x7f';
        }
    }
}

static void an_empty_text_needs_no_bytes(void **state)
{
    uint32_t utf8 = 0, within = 0;
    (void)state;
    assert_true(ws_utf8(&utf8, NULL, 0) && utf8 == 0);
    assert_true(ws_utf8(&within, "\xc3", 1) && ws_utf8(&within, NULL, 0));
    assert_int_not_equal(within, 0);
}

static void close_codes_are_those_a_peer_may_say(void **state)
{
    static const int good[] = { 1000, 1001, 1002, 1003, 1007, 1008, 1011, 1014, 3000, 4999 };
    static const int bad[] = { 0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535 };
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) assert_true(ws_close_code_is_valid(good[i]));
    for (size_t i = 0; i < COUNT(bad); i++) assert_false(ws_close_code_is_valid(bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_offers_that_can_be_kept_are_taken),
        cmocka_unit_test(a_bomb_ends_at_the_bound),
        cmocka_unit_test(what_is_no_deflate_stream_is_refused),
        cmocka_unit_test(utf8_is_the_same_whole_and_byte_by_byte),
        cmocka_unit_test(what_is_no_ascii_is_seen_wherever_it_stands),
        cmocka_unit_test(an_empty_text_needs_no_bytes),
        cmocka_unit_test(close_codes_are_those_a_peer_may_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
