/* test_walk.c - the walk before msgpack-c agrees with it on what msgpack is. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <msgpack.h>
#include <string.h>

#include "libshared/wire/walk.h"
#include "libshared/wire/wire.h"

#define BYTES(literal) ((struct str){ literal, sizeof(literal) - 1 })

/* One value of each encoding, at most two bytes of count. */
static const struct str good[] = { BYTES("\x00"), BYTES("\x7f"), BYTES("\xe0"), BYTES("\xff"), BYTES("\xc0"),
    BYTES("\xc2"), BYTES("\xc3"), BYTES("\xa0"), BYTES("\xa2xy"), BYTES("\xc4\x02xy"), BYTES("\xc5\x00\x02xy"),
    BYTES("\xc6\x00\x00\x00\x02xy"), BYTES("\xc7\x02\x05xy"), BYTES("\xc8\x00\x02\x05xy"),
    BYTES("\xc9\x00\x00\x00\x02\x05xy"), BYTES("\xca\x3f\x80\x00\x00"), BYTES("\xcb\x3f\xf0\x00\x00\x00\x00\x00\x00"),
    BYTES("\xcc\xff"), BYTES("\xcd\xff\xff"), BYTES("\xce\xff\xff\xff\xff"),
    BYTES("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), BYTES("\xd0\x80"), BYTES("\xd1\x80\x00"),
    BYTES("\xd2\x80\x00\x00\x00"), BYTES("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"), BYTES("\xd4\x01z"),
    BYTES("\xd5\x01zz"), BYTES("\xd6\x01zzzz"), BYTES("\xd7\x01zzzzzzzz"), BYTES("\xd8\x01zzzzzzzzzzzzzzzz"),
    BYTES("\xd9\x02xy"), BYTES("\xda\x00\x02xy"), BYTES("\xdb\x00\x00\x00\x02xy"), BYTES("\x90"), BYTES("\x92\x01\x02"),
    BYTES("\xdc\x00\x02\x01\x02"), BYTES("\xdd\x00\x00\x00\x01\xc0"), BYTES("\x80"), BYTES("\x81\xa1x\x92\x01\x80"),
    BYTES("\xde\x00\x01\x01\x02"), BYTES("\xdf\x00\x00\x00\x01\x01\x02") };

static void every_encoding_is_walked_to_its_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        char padded[40] = { 0 };
        struct str rest = { padded, sizeof padded };
        size_t values = 0;
        memcpy(padded, good[i].at, good[i].len);
        assert_true(walk_value(&rest, WIRE_MAX_DEPTH, &values));
        assert_ptr_equal(rest.at, padded + good[i].len);
        assert_int_equal(rest.len, sizeof padded - good[i].len);
        assert_true(wire_is_sane(good[i]));
    }
}

static void what_is_cut_or_followed_is_not_sane(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        for (size_t n = 0; n < good[i].len; n++) {
            struct str rest = { good[i].at, n };
            size_t values = 0;
            assert_false(walk_value(&rest, WIRE_MAX_DEPTH, &values));
        }
        char more[40];
        memcpy(more, good[i].at, good[i].len);
        more[good[i].len] = 0;
        assert_false(wire_is_sane((struct str){ more, good[i].len + 1 }));
    }
}

/* Every lead byte before a few zeros: sane if and only if msgpack-c finds exactly one value. */
static void the_walk_agrees_with_msgpack_c(void **state)
{
    (void)state;
    for (unsigned lead = 0; lead < 256; lead++) {
        for (size_t len = 1; len < 24; len++) {
            char bytes[24] = { (char)lead };
            size_t done = 0;
            msgpack_zone zone;
            msgpack_object object;
            assert_true(msgpack_zone_init(&zone, 1024));
            bool whole = msgpack_unpack(bytes, len, &done, &zone, &object) == MSGPACK_UNPACK_SUCCESS;
            msgpack_zone_destroy(&zone);
            assert_int_equal(wire_is_sane((struct str){ bytes, len }), whole);
        }
    }
}

static void a_count_beyond_the_bytes_is_refused_before_anyone_allocates(void **state)
{
    (void)state;
    assert_false(wire_is_sane(BYTES("\xdd\x08\x00\x00\x00")));
    assert_false(wire_is_sane(BYTES("\xdf\xff\xff\xff\xff\x01\x02")));
    assert_false(wire_is_sane(BYTES("\xdd\x00\x00\x00\x02\x01")));
    assert_false(wire_is_sane(BYTES("\xdb\xff\xff\xff\xffx")));
    assert_false(wire_is_sane(BYTES("\xc6\xff\xff\xff\xff")));
    assert_false(wire_is_sane(STR_NONE));
}

static void nesting_is_bounded_even_where_it_is_empty(void **state)
{
    char deep[WIRE_MAX_DEPTH + 1];

    (void)state;
    memset(deep, 0x91, sizeof deep);
    deep[WIRE_MAX_DEPTH - 1] = (char)0x90;
    assert_true(wire_is_sane((struct str){ deep, WIRE_MAX_DEPTH }));
    deep[WIRE_MAX_DEPTH - 1] = (char)0x91;
    deep[WIRE_MAX_DEPTH] = (char)0x90;
    assert_false(wire_is_sane((struct str){ deep, WIRE_MAX_DEPTH + 1 }));
    deep[WIRE_MAX_DEPTH] = 1;
    assert_true(wire_is_sane((struct str){ deep, WIRE_MAX_DEPTH + 1 }));
}

static void values_are_counted(void **state)
{
    struct str bytes = BYTES("\x82\x01\x93\x01\x02\x03\xa1x\xc0");
    size_t values = 0;

    (void)state;
    assert_true(walk_value(&bytes, WIRE_MAX_DEPTH, &values));
    assert_int_equal(values, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_encoding_is_walked_to_its_end),
        cmocka_unit_test(what_is_cut_or_followed_is_not_sane),
        cmocka_unit_test(the_walk_agrees_with_msgpack_c),
        cmocka_unit_test(a_count_beyond_the_bytes_is_refused_before_anyone_allocates),
        cmocka_unit_test(nesting_is_bounded_even_where_it_is_empty),
        cmocka_unit_test(values_are_counted),
    };
    return cmocka_run_group_tests_name("walk", tests, NULL, NULL);
}
