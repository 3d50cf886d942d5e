/* test_ask_cache.c - ask once, remember, answer all who wait. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "libshared/base/arena.h"
#include "libshared/base/ask_cache.h"
#include "libshared/base/container_of.h"

struct fact {
    int before; /* so that an entry is not where its struct begins */
    struct ask_entry entry;
    char key;
};

static struct ask_cache cache;
static size_t n_freed;
static struct asker ann, bob, cyd;

static void free_fact(struct ask_entry *entry)
{
    n_freed++;
    mem_free(CONTAINER_OF(entry, struct fact, entry));
}

static void begin(size_t max_weight)
{
    ask_cache_init(&cache, max_weight, free_fact);
    n_freed = 0;
}

static struct ask_entry *ask(char key)
{
    struct fact *fact = mem_zero(sizeof *fact);

    fact->key = key;
    ask_add(&cache, &fact->entry, &fact->key, 1);
    return &fact->entry;
}

static struct ask_entry *find(char key)
{
    return ask_find(&cache, &key, 1);
}

static struct ask_entry *keep(char key)
{
    struct ask_entry *entry = ask(key);

    ask_weigh(entry, 1);
    ask_keep(entry);
    return entry;
}

static void all_who_wait_are_told_in_their_order_and_once(void **state)
{
    (void)state;
    begin(9);
    struct ask_entry *entry = ask('a');
    assert_ptr_equal(find('a'), entry);
    assert_null(find('b'));
    ask_wait(entry, &ann);
    ask_wait(entry, &bob);
    struct askers told = ask_take(entry);
    assert_int_equal(told.n, 2);
    ask_wait(entry, &cyd); /* while they are told */
    assert_ptr_equal(askers_next(&told), &ann);
    assert_ptr_equal(askers_next(&told), &bob);
    assert_null(askers_next(&told));
    assert_int_equal(entry->askers.n, 1);
    assert_ptr_equal(askers_next(&entry->askers), &cyd);
    ask_forget(entry);
    assert_true(find('a') == NULL && n_freed == 1);
}

static void the_one_asked_for_longest_ago_is_forgotten_first(void **state)
{
    (void)state;
    begin(3);
    for (const char *key = "abc"; *key != '\0'; key++) keep(*key);
    ask_touch(find('a'));
    keep('d');
    assert_true(find('a') != NULL && find('b') == NULL && find('c') != NULL && find('d') != NULL);
    ask_weigh(find('c'), 2); /* the oldest itself is not what goes for it */
    assert_true(find('a') == NULL && find('c') != NULL && find('d') != NULL);
    ask_weigh(find('d'), 9); /* alone it may weigh too much */
    assert_true(find('c') == NULL && find('d') != NULL && cache.weight == 9);
    keep('e');
    assert_true(find('d') == NULL && cache.weight == 1);
    ask_cache_clear(&cache);
    assert_true(cache.weight == 0 && n_freed == 5);
}

static void what_is_asked_about_is_not_forgotten(void **state)
{
    (void)state;
    begin(2);
    ask_weigh(ask('a'), 1);
    keep('b');
    assert_true(ask_cache_has_room(&cache)); /* b may go */
    ask_again(find('b'));
    assert_false(ask_cache_has_room(&cache));
    ask_weigh(ask('c'), 1);
    assert_true(find('a') != NULL && find('b') != NULL && find('c') != NULL && n_freed == 0);
    ask_keep(find('b'));
    keep('d');
    assert_true(find('b') == NULL && n_freed == 1);
    ask_cache_clear(&cache);
    assert_int_equal(n_freed, 4);
}

static void a_doubted_answer_is_for_who_waits_already(void **state)
{
    (void)state;
    begin(9);
    struct ask_entry *old = ask('a');
    ask_wait(old, &ann);
    keep('b');
    keep('c');
    ask_again(find('c'));
    struct ask_entry *renewed = find('c');
    ask_cache_invalidate(&cache);
    assert_true(find('a') == NULL && find('b') == NULL && find('c') == NULL && cache.weight == 0 && n_freed == 1);
    struct ask_entry *new = keep('a'); /* the same is asked anew, and that is remembered */
    struct askers told = ask_take(old);
    assert_ptr_equal(askers_next(&told), &ann);
    ask_weigh(old, 7);
    ask_keep(old);
    assert_true(find('a') == new &&cache.weight == 1 && n_freed == 2);
    assert_ptr_equal(cache.stale, renewed);
    ask_cache_clear(&cache);
    assert_true(n_freed == 4 && cache.table == NULL && cache.kept == NULL && cache.stale == NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_who_wait_are_told_in_their_order_and_once),
        cmocka_unit_test(the_one_asked_for_longest_ago_is_forgotten_first),
        cmocka_unit_test(what_is_asked_about_is_not_forgotten),
        cmocka_unit_test(a_doubted_answer_is_for_who_waits_already),
    };
    return cmocka_run_group_tests_name("ask_cache", tests, NULL, NULL);
}
