/* test_arena.c - memory with one lifetime, and buffers with a bound. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libshared/base/buf.h"

static void what_is_allocated_is_aligned_apart_and_writable(void **state)
{
    struct arena *arena = arena_create("test", 10 << 20);
    char *all[300];

    (void)state;
    for (size_t i = 0; i < COUNT(all); i++) {
        all[i] = arena_alloc(arena, i * 97);
        assert_int_equal((uintptr_t)all[i] % _Alignof(max_align_t), 0);
        memset(all[i], (int)i, i * 97);
    }
    for (size_t i = 0; i < COUNT(all); i++)
        for (size_t k = 0; k < i * 97; k++) assert_int_equal((unsigned char)all[i][k], i & 255);
    arena_destroy(&arena);
    assert_null(arena);
    arena_destroy(&arena);
}

static void texts_are_copied_and_ended(void **state)
{
    struct arena *arena = arena_create("test", 1 << 20);
    struct str s = arena_str(arena, (struct str){ "abcdef", 3 });

    (void)state;
    assert_string_equal(s.at, "abc");
    assert_string_equal(arena_cstr(arena, STR_NONE), "");
    s = arena_printf(arena, "%s-%d", "x", 42);
    assert_true(str_is(s, "x-42") && s.at[s.len] == '\0');
    assert_memory_equal(arena_zero(arena, 4), "\0\0\0\0", 4);
    assert_memory_equal(arena_copy(arena, "wxyz", 4), "wxyz", 4);
    arena_destroy(&arena);
}

static char order[8];

static void note(void *letter)
{
    strncat(order, letter, 1);
}

static void cleanups_run_once_and_newest_first(void **state)
{
    struct arena *arena = arena_create("test", 1 << 20);
    char a[] = "a", b[] = "b", c[] = "c";

    (void)state;
    arena_on_reset(arena, note, a);
    arena_on_reset(arena, note, b);
    arena_reset(arena);
    assert_string_equal(order, "ba");
    assert_int_equal(arena_used(arena), 0);
    arena_on_reset(arena, note, c);
    arena_destroy(&arena);
    assert_string_equal(order, "bac");
}

/* Run in a child; its signal, or 0. */
static int signal_of(void (*run)(void))
{
    pid_t child = fork();
    int status;

    if (child == 0) {
        close(STDOUT_FILENO);
        signal(SIGABRT, SIG_DFL);
        run();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void take_more_than_a_size_can_say(void)
{
    struct arena *arena = arena_create("test", 1000);
    volatile size_t size = SIZE_MAX - 5; /* or the compiler sees the mistake */
    arena_alloc(arena, size);
}

static void beyond_its_cap_it_gives_memory_and_is_over_until_its_reset(void **state)
{
    struct arena *arena = arena_create("test", 1000);

    (void)state;
    arena_alloc(arena, 900);
    assert_true(arena_fits(arena, 100) && !arena_fits(arena, 101) && !arena_fits(arena, SIZE_MAX));
    arena_alloc(arena, 100);
    assert_false(arena_is_over(arena));
    memset(arena_alloc(arena, 100000), 'x', 100000);
    assert_true(arena_is_over(arena) && !arena_fits(arena, 0));
    arena_alloc(arena, 1);
    assert_true(arena_is_over(arena));
    arena_reset(arena);
    assert_false(arena_is_over(arena));
    assert_true(arena_fits(arena, 1000));
    arena_destroy(&arena);
}

static void a_size_that_no_sum_can_be_ends_the_process(void **state)
{
    (void)state;
    assert_int_equal(signal_of(take_more_than_a_size_can_say), SIGABRT);
}

static void a_buffer_grows_to_its_bound_and_then_sticks(void **state)
{
    struct buf b = BUF(1000);

    (void)state;
    for (int i = 0; i < 100; i++) buf_add(&b, "0123456789", 10);
    assert_true(!b.over && b.len == 1000);
    buf_add_char(&b, 'x');
    assert_true(b.over && b.len == 1000);
    assert_memory_equal(b.at + 990, "0123456789", 10);
    buf_clear(&b);
    buf_add(&b, "y", 1);
    assert_true(!b.over && str_is(buf_str(&b), "y"));
    assert_false(buf_reserve(&b, SIZE_MAX));
    buf_free(&b);
    assert_true(b.max == 1000 && b.at == NULL);
}

static void a_buffer_takes_any_length_of_print(void **state)
{
    struct buf b = BUF(100000);

    (void)state;
    buf_printf(&b, "%d,%0500d", 7, 1);
    assert_int_equal(b.len, 502);
    assert_memory_equal(b.at, "7,000", 5);
    assert_int_equal(b.at[501], '1');
    buf_add_str(&b, STR_NONE);
    assert_int_equal(b.len, 502);
    buf_free(&b);
}

static void a_list_grows_when_it_is_full(void **state)
{
    size_t cap = 0;
    int *list = NULL;

    (void)state;
    for (size_t n = 0; n < 1000; n++) {
        bool full = n == cap;
        int *before = list;
        list = mem_one_more(list, n, &cap, sizeof *list);
        assert_true(n < cap && (full || list == before));
        list[n] = (int)n;
    }
    for (int n = 0; n < 1000; n++) assert_int_equal(list[n], n);
    assert_int_equal(cap, 1024);
    mem_free(list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_allocated_is_aligned_apart_and_writable),
        cmocka_unit_test(texts_are_copied_and_ended),
        cmocka_unit_test(cleanups_run_once_and_newest_first),
        cmocka_unit_test(beyond_its_cap_it_gives_memory_and_is_over_until_its_reset),
        cmocka_unit_test(a_size_that_no_sum_can_be_ends_the_process),
        cmocka_unit_test(a_buffer_grows_to_its_bound_and_then_sticks),
        cmocka_unit_test(a_buffer_takes_any_length_of_print),
        cmocka_unit_test(a_list_grows_when_it_is_full),
    };
    return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
