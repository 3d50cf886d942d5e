/* test_turns.c - what one subject sends to one room stays in its order, also where some of it has to wait. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "libshared/base/err.h"
#include "services/store/entries/turns.h"

#define MANY 100000

static struct turns *turns;
static struct id room;
static char order[16];
static size_t n_begun;

struct work {
    struct sender_turn turn;
    char name;
    bool ends_at_once;
};

static void begin(void *arg)
{
    struct work *work = arg;

    if (n_begun < sizeof order - 1) order[n_begun] = work->name;
    n_begun++;
    if (work->ends_at_once) turns_leave(turns, &work->turn);
}

static void send(struct work *work, const char *subject, bool opens)
{
    work->turn = (struct sender_turn){ .room = room, .subject = str_of(subject), .begin = begin, .arg = work };
    if (turns_take(turns, &work->turn, opens)) begin(work);
}

static int start(void **state)
{
    (void)state;
    turns = turns_create();
    room = id_new();
    memset(order, 0, sizeof order);
    n_begun = 0;
    return 0;
}

static int end(void **state)
{
    (void)state;
    turns_destroy(&turns);
    return 0;
}

static void messages_alone_wait_for_nothing(void **state)
{
    struct work a = { .name = 'a' }, b = { .name = 'b' };

    (void)state;
    send(&a, "ann", false);
    send(&b, "ann", false);
    assert_string_equal(order, "ab");
    turns_leave(turns, &b.turn);
    turns_leave(turns, &a.turn);
}

static void what_comes_behind_an_edit_waits_for_it(void **state)
{
    struct work edit = { .name = 'e' }, message = { .name = 'm' }, pin = { .name = 'p' };

    (void)state;
    send(&edit, "ann", true);
    send(&message, "ann", false);
    send(&pin, "ann", true);
    assert_string_equal(order, "e");
    turns_leave(turns, &edit.turn);
    assert_string_equal(order, "em");
    turns_leave(turns, &message.turn);
    assert_string_equal(order, "emp");
    turns_leave(turns, &pin.turn);
}

static void others_and_other_rooms_do_not_wait(void **state)
{
    struct work edit = { .name = 'e' }, bob = { .name = 'b' }, elsewhere = { .name = 'r' };

    (void)state;
    send(&edit, "ann", true);
    send(&bob, "bob", true);
    room = id_new();
    send(&elsewhere, "ann", true);
    assert_string_equal(order, "ebr");
    turns_leave(turns, &edit.turn);
    turns_leave(turns, &bob.turn);
    turns_leave(turns, &elsewhere.turn);
}

static void many_that_are_refused_at_once_take_no_stack(void **state)
{
    static struct work many[MANY];
    struct work edit = { .name = 'e' }, last = { .name = 'l' };

    (void)state;
    send(&edit, "ann", true);
    for (size_t i = 0; i < MANY; i++) {
        many[i].ends_at_once = true;
        send(&many[i], "ann", true);
    }
    send(&last, "ann", true);
    turns_leave(turns, &edit.turn);
    assert_int_equal(n_begun, MANY + 2);
    turns_leave(turns, &last.turn);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(messages_alone_wait_for_nothing, start, end),
        cmocka_unit_test_setup_teardown(what_comes_behind_an_edit_waits_for_it, start, end),
        cmocka_unit_test_setup_teardown(others_and_other_rooms_do_not_wait, start, end),
        cmocka_unit_test_setup_teardown(many_that_are_refused_at_once_take_no_stack, start, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
