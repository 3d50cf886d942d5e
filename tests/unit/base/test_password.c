/* test_password.c - hashes of passwords, and how much work each answer takes: crypt_r() of libcrypt, counted. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <crypt.h>
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/base/arena.h"
#include "libshared/base/password.h"

#define COST 9 /* 2^9 rounds: soon done */

static struct arena *arena;
static struct password_rule rule;
static int64_t rounds; /* of bcrypt, by all calls */
static int64_t calls;  /* of another kind */

/* In the place of libcrypt's own, which does the work. */
char *crypt_r(const char *phrase, const char *setting, struct crypt_data *data)
{
    static char *(*theirs)(const char *, const char *, struct crypt_data *);

    if (theirs == NULL) *(void **)&theirs = dlsym(RTLD_NEXT, "crypt_r");
    if (strncmp(setting, "$2", 2) == 0)
        rounds += (int64_t)1 << atoi(setting + 4);
    else
        calls++;
    return theirs(phrase, setting, data);
}

static int start(void **state)
{
    (void)state;
    arena = arena_create("test", 1u << 20);
    rule = (struct password_rule){ .cost = COST };
    return 0;
}

static int stop(void **state)
{
    (void)state;
    arena_destroy(&arena);
    return 0;
}

static struct password of(const char *text)
{
    struct password password;

    assert_true(password_keep(str_of(text), &password));
    return password;
}

static struct str hash_at(int64_t cost)
{
    char hash[PASSWORD_HASH_CHARS + 1];
    struct password password = of("the right one");

    assert_true(password_hash((struct password_rule){ .cost = cost }, &password, hash));
    return arena_str(arena, str_of(hash));
}

static int64_t work_of(const char *text, struct str hash, bool may)
{
    struct password password = of(text);

    rounds = calls = 0;
    assert_false(password_fits(rule, &password, hash, may));
    assert_int_equal(calls, 0);
    return rounds;
}

/* An account's hash may be as dear as the settings want it, cheaper, or none. */
static void every_refusal_is_as_much_work(void **state)
{
    (void)state;
    struct str hashes[] = { hash_at(COST), hash_at(COST - 1), hash_at(COST - 3), hash_at(4), STR_NONE, STR("$1$x$y") };

    for (size_t i = 0; i < COUNT(hashes); i++) {
        assert_int_equal(work_of("another", hashes[i], true), 1 << COST);
        assert_int_equal(work_of("another", hashes[i], false), 1 << COST);
        assert_int_equal(work_of("the right one", hashes[i], false), 1 << COST);
    }
}

static void the_right_one_fits_whatever_it_cost_and_is_stale_if_that_was_less(void **state)
{
    (void)state;
    struct password right = of("the right one");

    for (int64_t cost = 4; cost <= COST; cost++) {
        struct str hash = hash_at(cost);
        assert_true(password_fits(rule, &right, hash, true));
        assert_int_equal(password_is_stale(rule, hash), cost < COST);
    }
    rule.yescrypt = true;
    char other_text[PASSWORD_HASH_CHARS + 1];
    assert_true(password_hash(rule, &right, other_text));
    struct str other = str_of(other_text);
    assert_true(password_fits(rule, &right, other, true) && !password_is_stale(rule, other));
    rule.yescrypt = false;
    assert_true(password_fits(rule, &right, other, true) && password_is_stale(rule, other));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_refusal_is_as_much_work),
        cmocka_unit_test(the_right_one_fits_whatever_it_cost_and_is_stale_if_that_was_less),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
