/* test_feeds.c - what of a publication is new to listeners. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "services/chat/gateways/feeds.h"

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
    feeds_forget_peer(feeds, two);
    assert_true(feeds_add(feeds, b, one));
    feeds_destroy(&feeds);
    assert_null(feeds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_passed_on_is_left_out),
        cmocka_unit_test(rooms_without_listeners_take_no_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
