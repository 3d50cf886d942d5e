/* test_held.c - what waits while a gateway may not obey: in its order, within what a session may hold, gone with its session. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "services/gateway/socketio/sio_private.h"

static size_t held_bytes, held_max;
static char taken[200];
static struct sio_session *ends; /* with the next message that is taken */
static struct sio sio;
static struct sio_session a, b;

enum err holding_take(struct holding *holding, size_t bytes)
{
    (void)holding;
    if (held_bytes + bytes > held_max) return ERR_OVERLOADED;
    held_bytes += bytes;
    return OK;
}
void holding_give(struct holding *holding, size_t bytes)
{
    (void)holding;
    assert_true(held_bytes >= bytes);
    held_bytes -= bytes;
}
struct holding *eio_holding(struct eio_session *eio)
{
    (void)eio;
    return NULL;
}
void sio_overflow(struct sio_session *session)
{
    session->closing = true;
}
void sio_take_message(struct sio_session *session, bool binary, struct str bytes)
{
    snprintf(taken + strlen(taken), sizeof taken - strlen(taken), "%c%s%.*s ", session == &a ? 'a' : 'b',
        binary ? "!" : "", STR_ARG(bytes));
    if (ends != NULL) sio_drop_kept(ends);
    ends = NULL;
}

static int begin(void **state)
{
    (void)state;
    sio = (struct sio){ .is_held = true };
    a = b = (struct sio_session){ .sio = &sio };
    held_max = 10000;
    taken[0] = '\0';
    return 0;
}

static int end(void **state)
{
    (void)state;
    sio_drop_kept(&a);
    sio_drop_kept(&b);
    assert_true(sio.held == NULL && held_bytes == 0);
    return 0;
}

static void keep_three(void)
{
    sio_keep_message(&a, false, STR("1"));
    sio_keep_message(&b, false, STR("2"));
    sio_keep_message(&a, true, STR("3"));
}

static void it_is_taken_in_the_order_in_which_it_came(void **state)
{
    (void)state;
    keep_three();
    assert_true(held_bytes > 0);
    sio_hold_messages(&sio, true);
    assert_string_equal(taken, "");
    sio_hold_messages(&sio, false);
    assert_string_equal(taken, "a1 b2 a!3 ");
    assert_int_equal(held_bytes, 0);
}

static void it_goes_with_its_session(void **state)
{
    (void)state;
    keep_three();
    sio_drop_kept(&a);
    sio_hold_messages(&sio, false);
    assert_string_equal(taken, "b2 ");
}

static void a_message_may_end_its_own_session_or_another(void **state)
{
    (void)state;
    keep_three();
    ends = &b;
    sio_hold_messages(&sio, false);
    assert_string_equal(taken, "a1 a!3 ");
    sio_hold_messages(&sio, true);
    taken[0] = '\0';
    keep_three();
    ends = &a;
    sio_hold_messages(&sio, false);
    assert_string_equal(taken, "a1 b2 ");
}

static void whoever_has_no_room_for_more_is_closed_and_nothing_of_it_is_taken(void **state)
{
    (void)state;
    held_max = 250;
    keep_three();
    for (int i = 0; i < 5; i++) sio_keep_message(&a, false, STR("more"));
    assert_true(a.closing && !b.closing);
    sio_hold_messages(&sio, false);
    assert_string_equal(taken, "b2 ");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_taken_in_the_order_in_which_it_came),
        TEST(it_goes_with_its_session),
        TEST(a_message_may_end_its_own_session_or_another),
        TEST(whoever_has_no_room_for_more_is_closed_and_nothing_of_it_is_taken),
    };

    return cmocka_run_group_tests_name("held", tests, NULL, NULL);
}
