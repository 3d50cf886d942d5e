/* test_parts.c - every process finds the same part for a room, and the parts have as much each. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "libshared/rpc/parts.h"
#include "libshared/wire/records.h"

/* During an upgrade processes of two versions run at once. */
static void a_room_stays_where_it_was_in_former_versions(void **state)
{
    static const struct {
        const char *room;
        size_t of[4]; /* of 2, 3, 5 and 16 */
    } known[] = {
        { "01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2", { 1, 2, 3, 11 } },
        { "01a1fc5b-91e8-7a5a-b6ba-02a92ae85de3", { 1, 2, 4, 14 } },
        { "01a1fc5b-91e8-7a5b-b6ba-02a92ae85de3", { 0, 0, 1, 4 } },
    };
    static const size_t n[] = { 2, 3, 5, 16 };

    (void)state;
    for (size_t i = 0; i < COUNT(known); i++) {
        struct id room;
        assert_true(id_parse(str_of(known[i].room), &room));
        assert_int_equal(part_of(room, 1), 0);
        for (size_t k = 0; k < COUNT(n); k++) assert_int_equal(part_of(room, n[k]), known[i].of[k]);
    }
}

static void rooms_that_are_made_together_fall_to_all_parts_alike(void **state)
{
    enum { ROOMS = 10000 };

    (void)state;
    for (size_t n = 2; n <= PARTS_MAX; n++) {
        size_t rooms[PARTS_MAX] = { 0 };
        for (int i = 0; i < ROOMS; i++) rooms[part_of(id_new(), n)]++;
        for (size_t part = 0; part < n; part++) assert_in_range(rooms[part], ROOMS / n * 3 / 4, ROOMS / n * 5 / 4);
    }
}

static bool overlap(struct part_slots a, struct part_slots b)
{
    return a.first < b.first + b.n && b.first < a.first + a.n;
}

static void parts_have_all_slots_and_those_that_could_have_one_room_have_one_in_common(void **state)
{
    (void)state;
    for (size_t n = 1; n <= PARTS_MAX; n++) {
        size_t next = 0;
        for (size_t part = 0; part < n; part++) {
            assert_int_equal(part_slots(part, n).first, next);
            next += part_slots(part, n).n;
            for (size_t slot = part_slots(part, n).first; slot < next; slot++)
                assert_int_equal(slot * n / PART_SLOTS, part); /* where part_of() puts its rooms */
        }
        assert_int_equal(next, PART_SLOTS);
    }
    for (int i = 0; i < 5000; i++) {
        struct id room = id_new();
        for (size_t n = 2; n <= PARTS_MAX; n++)
            assert_true(overlap(part_slots(part_of(room, n), n), part_slots(part_of(room, n - 1), n - 1)));
    }
}

static void a_request_goes_where_its_room_is(void **state)
{
    struct room_removal removal = { .room = id_new(), .member = STR("ada") };
    struct buf body = BUF(1000);
    size_t part = 99;

    (void)state;
    assert_int_equal(wire_encode(room_removal_shape(), &removal, &body), OK);
    assert_true(part_of_request(buf_str(&body), 16, &part));
    assert_int_equal(part, part_of(removal.room, 16));
    buf_free(&body);
}

static void a_room_is_found_behind_other_fields_and_not_within_them(void **state)
{
    struct id room;
    char body[] = "\x83\xa1z\x81\xa4room\xc4\x10"
                  "0123456789abcdef"
                  "\xa3xyz\x92\x01\xa4room\xa4room\xc4\x10"
                  "fedcba9876543210";
    struct str bytes = { body, sizeof body - 1 };

    (void)state;
    assert_true(wire_peek_id(bytes, "room", &room));
    assert_memory_equal(room.b, "fedcba9876543210", 16);
    for (size_t len = 0; len < bytes.len; len++) assert_false(wire_peek_id((struct str){ body, len }, "room", &room));
}

static void what_names_no_room_may_go_anywhere(void **state)
{
    static const struct str bodies[] = { { "", 0 }, { "\x80", 1 }, { "\xc0", 1 }, { "\x81\xa4room\xa1x", 8 },
        { "\x81\xa4room\xc4\x0f"
          "0123456789abcde",
            23 },
        { "\x91\xa4room", 6 } };
    size_t part = 99;

    (void)state;
    for (size_t i = 0; i < COUNT(bodies); i++) assert_false(part_of_request(bodies[i], 2, &part));
    assert_int_equal(part, 99);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_room_stays_where_it_was_in_former_versions),
        cmocka_unit_test(rooms_that_are_made_together_fall_to_all_parts_alike),
        cmocka_unit_test(parts_have_all_slots_and_those_that_could_have_one_room_have_one_in_common),
        cmocka_unit_test(a_request_goes_where_its_room_is),
        cmocka_unit_test(a_room_is_found_behind_other_fields_and_not_within_them),
        cmocka_unit_test(what_names_no_room_may_go_anywhere),
    };
    return cmocka_run_group_tests_name("parts", tests, NULL, NULL);
}
