/* test_feeds.c - what of a publication is new to listeners. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "services/chat/chat.h"
#include "tests/lib/heap.h"

#define ROOMS_HEARD 200000 /* MADANG_CHAT_ROOMS_HEARD */

static struct message messages[3] = { { .seq = 4 }, { .seq = 5 }, { .seq = 6 } };
static const struct message_list all = { messages, 3 };

static void what_was_passed_on_is_left_out(void **state)
{
    (void)state;
    assert_int_equal(feed_after(all, 0).len, 3);
    assert_int_equal(feed_after(all, 3).len, 3);
    assert_int_equal(feed_after(all, 4).len, 2);
    assert_int_equal(feed_after(all, 4).at[0].seq, 5);
    assert_int_equal(feed_after(all, 6).len, 0);
    assert_int_equal(feed_after(all, 100).len, 0);
}

static void rooms_without_listeners_take_no_place(void **state)
{
    struct feeds *feeds = feeds_create(1);
    struct rpc_peer *one = (struct rpc_peer *)(uintptr_t)16, *two = (struct rpc_peer *)(uintptr_t)32;
    struct id a = id_new(), b = id_new();

    (void)state;
    assert_true(feeds_add(feeds, a, one));
    assert_true(feeds_add(feeds, a, two));
    assert_false(feeds_add(feeds, b, one));
    feeds_remove(feeds, a, one);
    assert_false(feeds_add(feeds, b, one));
    feeds_forget_peer(&(struct chat){ .feeds = feeds }, two);
    assert_true(feeds_add(feeds, b, one));
    feeds_destroy(&feeds);
    assert_null(feeds);
}

/* docs/security.md has the MiB. */
static void all_rooms_that_may_be_listened_to_take_what_the_table_of_memory_says(void **state)
{
    struct feeds *feeds = feeds_create(ROOMS_HEARD);
    struct id *rooms = calloc(ROOMS_HEARD + 1000, sizeof *rooms);
    size_t before = heap_bytes(), heard[3] = { 0 };

    (void)state;
    for (size_t i = 0; i < ROOMS_HEARD + 1000; i++) {
        rooms[i] = id_new();
        heard[0] += feeds_add(feeds, rooms[i], (struct rpc_peer *)(uintptr_t)16);
    }
    size_t one = heap_bytes() - before;
    for (size_t i = 0; i < ROOMS_HEARD; i++)
        for (size_t n = 2; n < 12; n++) heard[1] += feeds_add(feeds, rooms[i], (struct rpc_peer *)(uintptr_t)(16 * n));
    size_t many = heap_bytes() - before;
    printf("# %zu KiB, of many gateways %zu KiB\n", one >> 10, many >> 10);
    assert_in_range(one, 0, (size_t)34 << 20);
    assert_in_range(many, 0, (size_t)60 << 20);
    assert_int_equal(heard[0], ROOMS_HEARD);
    assert_int_equal(heard[1], 7 * ROOMS_HEARD);
    feeds_forget_peer(&(struct chat){ .feeds = feeds }, (struct rpc_peer *)(uintptr_t)32);
    for (size_t i = 0; i < ROOMS_HEARD; i++)
        heard[2] += feeds_add(feeds, rooms[i], (struct rpc_peer *)(uintptr_t)(16 * 100));
    assert_true(heard[2] > 0 && heard[2] < ROOMS_HEARD); /* as many as it had */
    feeds_destroy(&feeds);
    free(rooms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_passed_on_is_left_out),
        cmocka_unit_test(rooms_without_listeners_take_no_place),
        cmocka_unit_test(all_rooms_that_may_be_listened_to_take_what_the_table_of_memory_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
