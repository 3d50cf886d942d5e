/* test_trusted.c - what a gateway knows of policies, and what it does not: when auth is asked, and the memory that all of them take. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "services/gateway/identity/trusted.h"
#include "services/gateway/methods.h"
#include "tests/lib/heap.h"

/* docs/security.md has the MiB: twice as many while they change. */
#define ALL_BYTES (4 << 20) /* of JSON, as services/auth/policies/policy_put.c has it */
#define RULES     64
#define PATTERNS  64
#define MOST_MIB  54

static int changes;

static void on_changed(void *arg, const struct trust *page)
{
    (void)arg, (void)page;
    changes++;
}

static void on_asked(void *arg)
{
    (void)arg;
}

static int questions; /* to auth, of which the last one waits for its answer */
static rpc_reply_fn *answer_last;
static void *answer_to;

void method_ask(
    const struct service_pipes *to, enum method_index method, const void *record, rpc_reply_fn *reply, void *arg)
{
    (void)to, (void)record;
    assert_int_equal(method, M_auth_trust_since);
    questions++;
    answer_last = reply;
    answer_to = arg;
}

/* A pattern that is dear: each of its characters is a piece of its own; or it is short, and as dear as one can be. */
struct dear {
    struct str pattern;
    size_t rules, policies; /* of it that are ALL_BYTES together */
};

static char pieces[128];

/* All of the trust, up to its last page, with the i-th policy on the i-th page. */
static void tell_page(struct trusted *trusted, struct id epoch, const struct dear *dear, size_t i)
{
    struct str patterns[PATTERNS];
    struct policy_rule rules[RULES];
    struct policy policy = { .rules = { rules, dear->rules } };
    char name[24];
    struct buf bytes = BUF(1u << 20);

    for (size_t n = 0; n < PATTERNS; n++) patterns[n] = dear->pattern;
    for (size_t n = 0; n < dear->rules; n++)
        rules[n] = (struct policy_rule){ .effect = STR("deny"),
            .events = { patterns, PATTERNS },
            .rooms = { patterns, PATTERNS },
            .namespaces = { patterns, 16 } };
    snprintf(name, sizeof name, "policy-%zu", i);
    policy.name = str_of(name);
    struct trust page = { .issuer = STR("x"),
        .audience = STR("x"),
        .epoch = epoch,
        .since = (int64_t)i,
        .position = (int64_t)i + 1,
        .more = i < dear->policies - 1,
        .policies = { &policy, 1 } };
    assert_int_equal(wire_encode(trust_shape(), &page, &bytes), OK);
    assert_int_equal(trusted_take(trusted, buf_str(&bytes)), OK);
    buf_free(&bytes);
}

/* As many bytes as auth keeps at the most: of a pattern, two quotes and a comma besides. */
static void assert_all_bytes(const struct dear *dear)
{
    size_t json = dear->policies * dear->rules * (2 * PATTERNS + 16) * (dear->pattern.len + 3);

    assert_in_range(json, ALL_BYTES - (64 << 10), ALL_BYTES + (64 << 10));
}

static void fill(const struct dear *dear)
{
    struct trusted *trusted = trusted_create(NULL, on_changed, NULL, NULL);
    struct id first = id_new(), second = id_new();
    size_t before = heap_bytes();

    assert_all_bytes(dear);
    changes = 0;
    for (size_t i = 0; i < dear->policies; i++) tell_page(trusted, first, dear, i);
    assert_int_equal(changes, 1);
    size_t taken = heap_bytes() - before;
    for (size_t i = 0; i < dear->policies - 1; i++) tell_page(trusted, second, dear, i);
    size_t twice = heap_bytes() - before;
    tell_page(trusted, second, dear, dear->policies - 1);
    assert_int_equal(changes, 2);
    size_t again = heap_bytes() - before;
    printf("# %zu KiB, %zu KiB while they change\n", taken >> 10, twice >> 10);
    assert_in_range(taken, 0, (size_t)MOST_MIB << 20);
    assert_in_range(twice, 0, (size_t)2 * MOST_MIB << 20);
    assert_in_range(again, 0, taken + HEAP_SLACK);
    trusted_destroy(&trusted);
}

static void all_policies_of_many_pieces_take_what_the_table_of_memory_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pieces; i++) pieces[i] = i % 2 ? 'a' : '*';
    fill(&(struct dear){ { pieces, sizeof pieces }, 3, 74 });
}

static void all_policies_of_many_patterns_take_what_the_table_of_memory_says(void **state)
{
    (void)state;
    fill(&(struct dear){ STR("a"), 64, 114 });
}

/* One page that is all of it, with nothing in it. */
static void auth_answers(void)
{
    struct trust page = { .issuer = STR("x"), .audience = STR("x"), .epoch = id_new(), .position = 1 };
    struct buf bytes = BUF(10000);

    assert_int_equal(wire_encode(trust_shape(), &page, &bytes), OK);
    answer_last(answer_to, OK, buf_str(&bytes));
    buf_free(&bytes);
}

static void what_is_not_known_is_asked_for_and_not_again_and_again(void **state)
{
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct trusted *trusted = trusted_create(loop, on_changed, on_asked, NULL);

    (void)state;
    assert_false(trusted_recheck(trusted)); /* there is nobody to ask */
    questions = 0;
    trusted_ask(trusted, (const struct service_pipes *)(uintptr_t)16);
    assert_true(trusted_recheck(trusted));
    assert_int_equal(questions, 1); /* which is under way */
    auth_answers();
    assert_false(trusted_recheck(trusted));
    assert_int_equal(questions, 1);
    usleep(2100000);
    assert_true(trusted_recheck(trusted));
    assert_true(trusted_recheck(trusted));
    assert_int_equal(questions, 2);
    auth_answers();
    assert_false(trusted_recheck(trusted));
    trusted_destroy(&trusted);
    ev_loop_destroy(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_known_is_asked_for_and_not_again_and_again),
        cmocka_unit_test(all_policies_of_many_pieces_take_what_the_table_of_memory_says),
        cmocka_unit_test(all_policies_of_many_patterns_take_what_the_table_of_memory_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
