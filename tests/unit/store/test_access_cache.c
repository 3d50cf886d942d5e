/* test_access_cache.c - who may act in which room, remembered: one question at a time, forgotten when it may have changed. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "services/store/access_cache.h"
#include "tests/lib/heap.h"

static void *asked[100];
static size_t n_asked;
static struct id room;

static void send(void *arg, const struct access_query *query, void *token)
{
    (void)arg, (void)query;
    asked[n_asked++] = token;
}

struct access_outcome {
    size_t n;
    enum err e;
    enum role role;
    int64_t reads_after;
};

static void hear(void *arg, enum err e, struct log_access may)
{
    struct access_outcome *h = arg;

    *h = (struct access_outcome){ h->n + 1, e, may.role, may.reads_after };
}

static struct access_cache *fresh(size_t max)
{
    struct access_cache *g = access_cache_create(max, send, NULL);

    n_asked = 0;
    room = id_new();
    access_cache_watched(g);
    return g;
}

static void many_who_ask_at_once_cost_one_question(void **state)
{
    struct access_cache *g = fresh(10);
    struct access_outcome h = { 0 };

    (void)state;
    for (int i = 0; i < 5; i++) access_cache_ask(g, room, STR("ann"), hear, &h);
    assert_int_equal(n_asked, 1);
    assert_int_equal(h.n, 0);
    access_cache_answer(g, asked[0], OK, (struct log_access){ .role = ROLE_member });
    assert_int_equal(h.n, 5);
    access_cache_ask(g, room, STR("ann"), hear, &h);
    assert_int_equal(n_asked, 1);
    assert_true(h.n == 6 && h.role == ROLE_member);
    access_cache_destroy(&g);
}

static void a_change_is_asked_again(void **state)
{
    struct access_cache *g = fresh(10);
    struct access_outcome h = { 0 };

    (void)state;
    access_cache_ask(g, room, STR("ann"), hear, &h);
    access_cache_answer(g, asked[0], OK, (struct log_access){ .role = ROLE_member });
    access_cache_changed(g, room, STR("bob"));
    access_cache_changed(g, id_new(), STR("ann"));
    assert_int_equal(access_cache_remembered(g), 1);
    access_cache_changed(g, room, STR("ann"));
    access_cache_ask(g, room, STR("ann"), hear, &h);
    assert_int_equal(n_asked, 2);
    access_cache_answer(g, asked[1], OK, (struct log_access){ .role = ROLE_none });
    assert_false(h.role == ROLE_member);
    access_cache_changed(g, room, STR(""));
    assert_int_equal(access_cache_remembered(g), 0);
    access_cache_destroy(&g);
}

/* The change that made them a member, or more than a reader, may still be on its way here. */
static void is_for_those_who_asked_before_and_for_nobody_later(enum role no)
{
    struct access_cache *g = fresh(10);
    struct access_outcome early = { 0 }, late = { 0 };

    access_cache_ask(g, room, STR("ann"), hear, &early);
    access_cache_ask(g, room, STR("ann"), hear, &late);
    access_cache_ask(g, room, STR("ann"), hear, &late);
    assert_int_equal(n_asked, 1);
    access_cache_answer(g, asked[0], OK, (struct log_access){ .role = no });
    assert_true(early.n == 1 && early.role == no);
    assert_int_equal(late.n, 0);
    assert_int_equal(n_asked, 2);
    access_cache_answer(g, asked[1], OK, (struct log_access){ .role = no });
    assert_true(late.n == 2 && late.role == no);
    assert_int_equal(access_cache_remembered(g), 0);
    access_cache_ask(g, room, STR("ann"), hear, &late);
    assert_int_equal(n_asked, 3);
    access_cache_answer(g, asked[2], OK, (struct log_access){ .role = ROLE_member });
    assert_true(late.n == 3 && late.role == ROLE_member);
    assert_int_equal(access_cache_remembered(g), 1);
    access_cache_destroy(&g);
}

static void a_no_is_for_those_who_asked_before_and_for_nobody_later(void **state)
{
    (void)state;
    is_for_those_who_asked_before_and_for_nobody_later(ROLE_none);
    is_for_those_who_asked_before_and_for_nobody_later(ROLE_read_only);
}

static void what_was_asked_across_a_break_is_not_remembered(void **state)
{
    struct access_cache *g = fresh(10);
    struct access_outcome h = { 0 };

    (void)state;
    access_cache_ask(g, room, STR("ann"), hear, &h);
    access_cache_lost(g);
    access_cache_ask(g, room, STR("bob"), hear, &h); /* down: not watching */
    access_cache_watched(g);
    access_cache_answer(g, asked[0], OK, (struct log_access){ .role = ROLE_member });
    access_cache_answer(g, asked[1], OK, (struct log_access){ .role = ROLE_member });
    assert_int_equal(h.n, 2);
    assert_int_equal(access_cache_remembered(g), 0);
    access_cache_ask(g, room, STR("ann"), hear, &h);
    access_cache_answer(g, asked[2], OK, (struct log_access){ .role = ROLE_member });
    assert_int_equal(access_cache_remembered(g), 1);
    access_cache_lost(g);
    assert_int_equal(access_cache_remembered(g), 0);
    access_cache_destroy(&g);
}

static void errors_are_not_remembered_and_the_oldest_is_forgotten_first(void **state)
{
    struct access_cache *g = fresh(2);
    struct access_outcome h = { 0 };
    const struct str who[] = { STR("a"), STR("b"), STR("c") };

    (void)state;
    access_cache_ask(g, room, STR("x"), hear, &h);
    access_cache_answer(g, asked[0], ERR_UNAVAILABLE, (struct log_access){ .role = ROLE_none });
    assert_int_equal(h.e, ERR_UNAVAILABLE);
    assert_int_equal(access_cache_remembered(g), 0);
    for (size_t i = 0; i < 2; i++) {
        access_cache_ask(g, room, who[i], hear, &h);
        access_cache_answer(g, asked[n_asked - 1], OK, (struct log_access){ .role = ROLE_member });
    }
    access_cache_ask(g, room, who[0], hear, &h); /* used: b is the oldest now */
    access_cache_ask(g, room, who[2], hear, &h);
    access_cache_answer(g, asked[n_asked - 1], OK, (struct log_access){ .role = ROLE_member });
    assert_int_equal(access_cache_remembered(g), 2);
    size_t before = n_asked;
    access_cache_ask(g, room, who[0], hear, &h);
    assert_int_equal(n_asked, before);
    access_cache_ask(g, room, who[1], hear, &h);
    assert_int_equal(n_asked, before + 1);
    access_cache_destroy(&g); /* with a question open */
}

static void long_subjects_are_as_many_bytes_as_more_short_ones(void **state)
{
    struct access_cache *g = fresh(8);
    struct access_outcome h = { 0 };
    char subject[513] = { 0 };

    (void)state;
    for (size_t i = 0; i < 20; i++) {
        memset(subject, 'a' + (int)i, 512);
        access_cache_ask(g, room, (struct str){ subject, 512 }, hear, &h);
        access_cache_answer(g, asked[n_asked - 1], OK, (struct log_access){ .role = ROLE_member });
    }
    assert_int_equal(access_cache_remembered(g), 3);
    for (size_t i = 0; i < 20; i++) {
        memset(subject, 'a' + (int)i, 512);
        access_cache_ask(g, room, (struct str){ subject, 36 }, hear, &h);
        access_cache_answer(g, asked[n_asked - 1], OK, (struct log_access){ .role = ROLE_member });
    }
    assert_int_equal(access_cache_remembered(g), 8);
    access_cache_destroy(&g);
}

/* docs/security.md has the number of MiB; MADANG_STORE_ACCESS_CACHED is 200,000 of them. */
static void all_that_is_remembered_takes_what_the_table_of_memory_says(void **state)
{
    size_t before = heap_bytes();
    struct access_cache *g = fresh(200000);
    struct access_outcome h = { 0 };
    char subject[129];

    (void)state;
    for (size_t i = 0; i < 220000; i++) { /* as many bytes as one of 256 may have, by and by */
        int len = snprintf(subject, sizeof subject, "%0*zu", 1 + (int)(i % 100), i);
        room = id_new();
        n_asked = 0;
        access_cache_ask(g, room, (struct str){ subject, (size_t)len }, hear, &h);
        access_cache_answer(g, asked[0], OK, (struct log_access){ .role = ROLE_member });
    }
    size_t taken = heap_bytes() - before;
    printf("# %zu KiB\n", taken >> 10);
    assert_in_range(taken, 0, (size_t)49 << 20);
    assert_int_equal(h.n, 220000);
    assert_in_range(access_cache_remembered(g), 150000, 200000);
    access_cache_destroy(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_who_ask_at_once_cost_one_question),
        cmocka_unit_test(long_subjects_are_as_many_bytes_as_more_short_ones),
        cmocka_unit_test(all_that_is_remembered_takes_what_the_table_of_memory_says),
        cmocka_unit_test(a_change_is_asked_again),
        cmocka_unit_test(a_no_is_for_those_who_asked_before_and_for_nobody_later),
        cmocka_unit_test(what_was_asked_across_a_break_is_not_remembered),
        cmocka_unit_test(errors_are_not_remembered_and_the_oldest_is_forgotten_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
