/* test_agents.c - what clients call themselves is kept once, within bounds, and is nothing that a terminal obeys. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "services/gateway/engineio/agents.h"

static struct agents *agents;

static int start(void **state)
{
    (void)state;
    agents = agents_create();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    agents_destroy(&agents);
    return 0;
}

static void one_text_has_one_number_until_its_last_session_ends(void **state)
{
    uint16_t kite = agents_take(agents, STR("kite/1")), heron = agents_take(agents, STR("heron/2"));

    (void)state;
    assert_true(kite != 0 && heron != 0 && kite != heron);
    assert_int_equal(agents_take(agents, STR("kite/1")), kite);
    agents_drop(agents, kite);
    assert_true(str_is(agents_text(agents, kite), "kite/1"));
    agents_drop(agents, kite);
    assert_int_equal(agents_text(agents, kite).len, 0);
    assert_true(str_is(agents_text(agents, heron), "heron/2"));
    agents_drop(agents, heron);
}

static void nothing_is_kept_that_a_terminal_obeys(void **state)
{
    uint16_t agent = agents_take(agents, STR("kite\033[31m\302\233 \342\200\256red"));

    (void)state;
    assert_true(str_is(agents_text(agents, agent), "kite[31m red"));
    agents_drop(agents, agent);
    assert_int_equal(agents_take(agents, STR("\377\376")), 0); /* no text */
    assert_int_equal(agents_take(agents, STR("")), 0);
    assert_int_equal(agents_take(agents, STR("\033")), 0);
    assert_int_equal(agents_take(agents, STR_NONE), 0);
    agents_drop(agents, 0);
}

static void a_long_one_is_cut(void **state)
{
    char text[5000];

    (void)state;
    memset(text, 'x', sizeof text);
    uint16_t agent = agents_take(agents, (struct str){ text, 4096 });
    assert_int_equal(agents_text(agents, agent).len, AGENT_CHARS_MAX);
    agents_drop(agents, agent);
    assert_int_equal(agents_take(agents, (struct str){ text, 4097 }), 0);
}

static uint16_t take_number(int n)
{
    char text[32];

    snprintf(text, sizeof text, "agent %d", n);
    return agents_take(agents, str_of(text));
}

static void there_are_so_many_and_no_more(void **state)
{
    (void)state;
    for (int i = 0; i < AGENTS_MAX; i++) assert_int_not_equal(take_number(i), 0);
    assert_int_equal(take_number(AGENTS_MAX), 0);
    uint16_t known = take_number(7);
    assert_int_not_equal(known, 0);
    agents_drop(agents, known);
    agents_drop(agents, known);
    assert_int_equal(take_number(AGENTS_MAX), known); /* the room that it left */
    for (uint16_t i = 1; i <= AGENTS_MAX; i++) agents_drop(agents, i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_text_has_one_number_until_its_last_session_ends, start, stop),
        cmocka_unit_test_setup_teardown(nothing_is_kept_that_a_terminal_obeys, start, stop),
        cmocka_unit_test_setup_teardown(a_long_one_is_cut, start, stop),
        cmocka_unit_test_setup_teardown(there_are_so_many_and_no_more, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
