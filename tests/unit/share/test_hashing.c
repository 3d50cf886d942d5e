/* test_hashing.c - whose password is compared next, and who gives way. */
// SPDX-License-Identifier: Apache-2.0
#include <ev.h>
#include <stdio.h>
#include <string.h>

#include "libshared/base/clock.h"
#include "services/share/links/hashing.h"
#include "tests/unit/arena.h"

#define QUEUE 8

static char order[200]; /* names, as they were done; in brackets: overloaded */

static void note(void *arg, enum err e, struct str hash, bool fits)
{
    size_t len = strlen(order);

    (void)hash, (void)fits;
    snprintf(order + len, sizeof order - len, e == OK ? "%s " : "(%s) ", (const char *)arg);
}

static struct hashing *create(struct ev_loop *loop)
{
    order[0] = '\0';
    return hashing_create(loop, &(struct hashing_config){ .rule = { .cost = 10 }, .threads = 1, .queue_max = QUEUE });
}

static void guess(struct hashing *hashing, const char *name, const char *address, int64_t tries)
{
    struct principal who = { .kind = STR("anonymous"), .address = str_of(address) };
    struct call call = { .arena = arena, .who = &who, .deadline_us = clock_mono_us() + INT64_C(600000000) };
    struct password password;

    assert_true(password_keep(STR("not the one"), &password));
    hashing_compare(hashing, &call, &password, STR("$2b$10$abcdefghijklmnopqrstuuSLuYwDXRwZpXJCOBEyEHmnF8HBuNnWq"),
        tries, note, (void *)(uintptr_t)name);
}

static void run_until(struct ev_loop *loop, size_t n)
{
    for (;;) {
        size_t done = 0;
        for (const char *at = order; *at != '\0'; at++) done += *at == ' ';
        if (done >= n) return;
        ev_run(loop, EVRUN_ONCE);
    }
}

static void who_has_tried_least_comes_next(void **state)
{
    struct ev_loop *loop = ev_loop_new(0);
    struct hashing *hashing = create(loop);

    (void)state;
    guess(hashing, "first", "192.0.2.1", 9);
    guess(hashing, "often", "192.0.2.2", 5);
    guess(hashing, "twice", "192.0.2.3", 2);
    guess(hashing, "again", "192.0.2.4", 2);
    guess(hashing, "unseen", "192.0.2.5", 0);
    run_until(loop, 5);
    assert_string_equal(order, "first unseen twice again often ");
    hashing_destroy(&hashing);
    ev_loop_destroy(loop);
}

static void who_would_come_last_gives_way(void **state)
{
    struct ev_loop *loop = ev_loop_new(0);
    struct hashing *hashing = create(loop);
    static const char *const names[QUEUE] = { "a", "b", "c", "d", "e", "f", "g", "h" };
    char address[30];

    (void)state;
    guess(hashing, "first", "192.0.2.1", 1);
    for (int i = 0; i < QUEUE; i++) {
        snprintf(address, sizeof address, "198.51.100.%d", i);
        guess(hashing, names[i], address, 3);
    }
    guess(hashing, "late", "198.51.100.99", 3);
    assert_string_equal(order, "(late) ");
    guess(hashing, "unseen", "192.0.2.3", 0);
    assert_string_equal(order, "(late) (h) ");
    run_until(loop, QUEUE + 3);
    assert_string_equal(order, "(late) (h) first unseen a b c d e f g ");
    hashing_destroy(&hashing);
    ev_loop_destroy(loop);
}

static void one_address_has_turns_like_others_and_a_quarter_of_the_places(void **state)
{
    struct ev_loop *loop = ev_loop_new(0);
    struct hashing *hashing = create(loop);

    (void)state;
    guess(hashing, "first", "192.0.2.1", 0);
    guess(hashing, "its", "192.0.2.1", 0);
    guess(hashing, "its-third", "192.0.2.1", 0);
    guess(hashing, "its-fourth", "192.0.2.1", 0);
    assert_string_equal(order, "(its-fourth) ");
    guess(hashing, "other", "192.0.2.2", 0);
    run_until(loop, 5);
    assert_string_equal(order, "(its-fourth) first other its its-third ");
    hashing_destroy(&hashing);
    ev_loop_destroy(loop);
}

static void a_crowd_that_is_new_comes_after_whoever_is_alone(void **state)
{
    struct ev_loop *loop = ev_loop_new(0);
    struct hashing *hashing = create(loop);
    static const char *const names[QUEUE] = { "a", "b", "c", "d", "e", "f", "g", "h" };
    char address[60];

    (void)state;
    guess(hashing, "first", "2001:db8:7:ffff::1", 0);
    for (int i = 0; i < QUEUE; i++) {
        snprintf(address, sizeof address, "2001:db8:7:%d::1", i);
        guess(hashing, names[i], address, 0);
    }
    guess(hashing, "alone", "2001:db8:8::1", 0);
    guess(hashing, "seen", "192.0.2.1", 1);
    assert_string_equal(order, "(h) (seen) ");
    guess(hashing, "ninth", "2001:db8:7:9::1", 0);
    assert_string_equal(order, "(h) (seen) (ninth) ");
    run_until(loop, QUEUE + 4);
    assert_string_equal(order, "(h) (seen) (ninth) first alone a b c d e f g ");
    hashing_destroy(&hashing);
    ev_loop_destroy(loop);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_has_tried_least_comes_next, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(who_would_come_last_gives_way, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(
            one_address_has_turns_like_others_and_a_quarter_of_the_places, make_arena, drop_arena),
        cmocka_unit_test_setup_teardown(a_crowd_that_is_new_comes_after_whoever_is_alone, make_arena, drop_arena),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
