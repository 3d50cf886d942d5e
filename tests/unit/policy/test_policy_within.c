/* test_policy_within.c - who gives a policy gives nothing that theirs does not allow: a table, and policies at random. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "libshared/base/arena.h"
#include "libshared/policy/policy_set.h"
#include "libshared/policy/policy_within.h"
#include "libshared/wire/json.h"

static struct arena *arena;

/* Rules as JSON. */
static struct policy_rule_list rules_of(const char *json)
{
    struct policy policy;
    struct wire_error why = { 0 };
    struct str text = arena_printf(arena, "{\"name\":\"x\",\"rules\":%s}", json);

    if (wire_read_json(policy_shape(), text, arena, &policy, &why) != OK) fail_msg("%s: %s", json, why.text);
    return policy.rules;
}

#define ALLOW    "{\"effect\":\"allow\""
#define ROOM     "01a1fcfe-3db8-7efb-9c34-fc5b361312f6"
#define CAPITALS "01A1FCFE-3DB8-7EFB-9C34-FC5B361312F6"
#define DENY     "{\"effect\":\"deny\""

static const struct {
    const char *inner, *outer;
    bool within;
} cases[] = {
    { "[]", "[]", true },
    { "[" DENY "}]", "[]", true },
    { "[" ALLOW "}]", "[" ALLOW "}]", true },
    { "[" ALLOW "}]", "[" ALLOW ",\"actions\":[\"emit\"]}]", false },
    { "[" ALLOW ",\"actions\":[\"emit\"]}]", "[" ALLOW "}]", true },
    { "[" ALLOW ",\"actions\":[\"emit\",\"history\"]}]",
        "[" ALLOW ",\"actions\":[\"emit\"]}," ALLOW ",\"actions\":[\"history\"]}]", true },
    { "[" ALLOW ",\"namespaces\":[\"/chat\",\"/share\"],\"actions\":[\"emit\"]}]",
        "[" ALLOW ",\"namespaces\":[\"/chat\"]}," ALLOW ",\"namespaces\":[\"/s*\"]}]", true },
    { "[" ALLOW ",\"namespaces\":[\"/chat\",\"/admin\"],\"actions\":[\"emit\"]}]",
        "[" ALLOW ",\"namespaces\":[\"/chat\"]}]", false },
    { "[" ALLOW ",\"events\":[\"message:*\"]}]", "[" ALLOW ",\"events\":[\"m*\"]}]",
        true }, /* none of them publishes */
    { "[" ALLOW ",\"events\":[\"message:*\"],\"actions\":[\"emit\"]}]", "[" ALLOW ",\"events\":[\"m*\"]}]", true },
    { "[" ALLOW ",\"events\":[\"m*\"],\"actions\":[\"emit\"]}]", "[" ALLOW ",\"events\":[\"message:*\"]}]", false },
    { "[" ALLOW ",\"rooms\":[\"{sub}:*\"],\"actions\":[\"emit\"]}]", "[" ALLOW ",\"rooms\":[\"{sub}:*\"]}]", true },
    { "[" ALLOW ",\"rooms\":[\"ada:*\"],\"actions\":[\"emit\"]}]", "[" ALLOW ",\"rooms\":[\"{sub}:*\"]}]", false },
    { "[" ALLOW ",\"rooms\":[\"{sub}\"],\"actions\":[\"emit\"]}]", "[" ALLOW ",\"rooms\":[\"{su*\"]}]", false },
    { "[" ALLOW ",\"rooms\":[\"*\"],\"actions\":[\"emit\"]}]", "[" ALLOW ",\"rooms\":[\"*a\",\"*\"]}]", true },
    { "[" ALLOW ",\"actions\":[\"emit\"]}]", "[" ALLOW ",\"rooms\":[\"a*\"]}]", false },
    { "[" ALLOW ",\"actions\":[\"publish\"],\"events\":[\"typing\"]}]",
        "[" ALLOW ",\"actions\":[\"publish\"],\"events\":[\"*\"]}]", false }, /* which names nothing */
    { "[" ALLOW ",\"actions\":[\"publish\"],\"events\":[\"*\"]}]", "[]", true },
    { "[" ALLOW ",\"actions\":[\"publish\"],\"events\":[\"typing:x\"]}]",
        "[" ALLOW ",\"actions\":[\"publish\"],\"events\":[\"typing:*\"]}]", true },
    { "[" ALLOW ",\"actions\":[\"emit\"]}]", "[" ALLOW "}," DENY ",\"namespaces\":[\"/admin\"]}]", false },
    { "[" ALLOW ",\"actions\":[\"emit\"]}," DENY ",\"namespaces\":[\"/a*\"]}]",
        "[" ALLOW "}," DENY ",\"namespaces\":[\"/admin\"]}]", true },
    { "[" ALLOW ",\"actions\":[\"emit\"],\"namespaces\":[\"/chat\"]}]",
        "[" ALLOW "}," DENY ",\"namespaces\":[\"/admin\"]}]", true },
    { "[" ALLOW ",\"actions\":[\"emit\"],\"rooms\":[\"a*\"]}]", "[" ALLOW "}," DENY ",\"rooms\":[\"*z\"]}]", false },
    { "[" ALLOW ",\"actions\":[\"emit\"],\"rooms\":[\"a*\"]}]", "[" ALLOW "}," DENY ",\"rooms\":[\"b*\"]}]", true },
    { "[" ALLOW ",\"actions\":[\"emit\"],\"rooms\":[\"a*\"]}]", "[" ALLOW "}," DENY ",\"rooms\":[\"{sub}\"]}]", false },
    { "[" ALLOW ",\"actions\":[\"emit\"]}]", "[" ALLOW "}," DENY ",\"actions\":[\"admin\"]}]", true },
    { "[" ALLOW ",\"namespaces\":[\"/admin\"]}]", "[" ALLOW "}]", false }, /* which does not open it */
    { "[" ALLOW ",\"namespaces\":[\"/admin\",\"*\"]}]", "[" ALLOW "}," ALLOW ",\"namespaces\":[\"/admin\"]}]", false },
    { "[" ALLOW ",\"namespaces\":[\"/admin\"],\"actions\":[\"admin\"]}]",
        "[" ALLOW "}," ALLOW ",\"namespaces\":[\"/admin\"]}]", true },
    { "[" ALLOW ",\"rooms\":[\"" ROOM "\"],\"actions\":[\"emit\"]}]",
        "[" ALLOW "}," DENY ",\"rooms\":[\"" CAPITALS "\"]}]", false },
    { "[" ALLOW ",\"rooms\":[\"" ROOM "\"],\"actions\":[\"emit\"]}]", "[" ALLOW ",\"rooms\":[\"" CAPITALS "\"]}]",
        true },
};

static void a_policy_is_within_another_as_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct policy_rule_list inner = rules_of(cases[i].inner), outer = rules_of(cases[i].outer);
        if (policy_within(&inner, &outer) != cases[i].within)
            fail_msg("%s within %s: not %s", cases[i].inner, cases[i].outer, cases[i].within ? "yes" : "no");
    }
}

/* --- in /admin alone --- */

#define ADMIN(more) "[" ALLOW ",\"namespaces\":[\"/admin\"],\"actions\":[\"admin\"]" more "}]"

static const struct {
    const char *inner, *outer;
    bool within;
} in_admin[] = {
    { "[]", "[]", true },
    { "[" ALLOW "}]", "[]", true }, /* which does not open it */
    { "[" ALLOW ",\"namespaces\":[\"/admin\"],\"actions\":[\"emit\"]}]", "[]", true },
    { ADMIN(""), "[]", false },
    { ADMIN(""), "[" ALLOW "}]", false },
    { ADMIN(",\"events\":[\"audit:*\"]"), ADMIN(""), true },
    { ADMIN(""), ADMIN(",\"events\":[\"audit:*\"]"), false },
    { "[" ALLOW ",\"namespaces\":[\"/*\",\"/admin\"]}]", ADMIN(""), true }, /* what else it allows is no matter */
    { "[" ALLOW ",\"namespaces\":[\"/chat\",\"/admin\"]}]", ADMIN(",\"events\":[\"user:*\"]"), false },
};

static void what_is_allowed_in_admin_is_compared_alone(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(in_admin); i++) {
        struct policy_rule_list inner = rules_of(in_admin[i].inner), outer = rules_of(in_admin[i].outer);
        if (policy_admin_within(&inner, &outer) != in_admin[i].within)
            fail_msg("%s within %s: not %s", in_admin[i].inner, in_admin[i].outer, in_admin[i].within ? "yes" : "no");
    }
}

/* --- at random: where it says yes, no question is allowed by the inner one alone --- */

static const char *const texts[] = { "*", "a*", "*b", "a*b", "{sub}", "a{sub}", "ab", "a", "b", "*a*", "{sub}*",
    "/admin", "/a*" };
static const char *const asked[] = { "", "a", "b", "ab", "aab", "abb", "aa", "ba", "bb", "/admin" };

static struct str_list some(unsigned most)
{
    struct str_list list = { arena_alloc(arena, most * sizeof *list.at), (size_t)rand() % (most + 1) };

    for (size_t i = 0; i < list.len; i++) list.at[i] = str_of(texts[(size_t)rand() % COUNT(texts)]);
    return list;
}

static struct policy_rule_list random_rules(void)
{
    struct policy_rule_list rules = { arena_alloc(arena, 4 * sizeof *rules.at), 1 + (size_t)rand() % 4 };

    for (size_t i = 0; i < rules.len; i++) {
        struct str *action = arena_alloc(arena, sizeof *action);
        *action = str_of(policy_action_name(rand() % 2 ? POLICY_EMIT : POLICY_PUBLISH));
        rules.at[i] = (struct policy_rule){ .effect = str_of(rand() % 3 ? "allow" : "deny"),
            .namespaces = some(2),
            .events = some(2),
            .rooms = some(2),
            .actions = { action, (size_t)rand() % 4 ? 1 : 0 } };
    }
    return rules;
}

static struct policy_compiled *compile(const struct policy_rule_list *rules)
{
    struct policy_compiled *policy = NULL;
    struct wire_error why = { 0 };

    assert_int_equal(policy_compile(STR("x"), rules, &policy, &why), OK);
    return policy;
}

/* How many questions the inner one allows, all of which the outer one has to. */
static int check_all(const struct policy_compiled *inner, const struct policy_compiled *outer)
{
    int n = 0;

    for (size_t e = 0; e < COUNT(asked); e++)
        for (size_t r = 0; r < COUNT(asked); r++)
            for (size_t s = 0; s < COUNT(asked); s += 3)
                for (int action = POLICY_EMIT; action <= POLICY_PUBLISH; action += POLICY_PUBLISH - POLICY_EMIT) {
                    struct policy_question q = { str_of(asked[s]), str_of(asked[e]), str_of(asked[r]),
                        str_of(asked[(e + r) % 4]), (enum policy_action)action };
                    if (!policy_ask(inner, &q).allowed) continue;
                    n++;
                    if (!policy_ask(outer, &q).allowed)
                        fail_msg("nsp '%s', event '%s', room '%s', subject '%s', action %d", asked[s], asked[e],
                            asked[r], asked[(e + r) % 4], action);
                }
    return n;
}

static void what_is_said_to_be_within_allows_nothing_more(void **state)
{
    (void)state;
    int yes = 0, allowed = 0;

    srand(1);
    for (int i = 0; i < 60000; i++) {
        struct policy_rule_list inner = random_rules(), outer = random_rules();
        if (policy_within(&inner, &outer)) {
            struct policy_compiled *a = compile(&inner), *b = compile(&outer);
            int n = check_all(a, b);
            yes += n > 0;
            allowed += n;
            policy_ref_drop(&a);
            policy_ref_drop(&b);
        }
        arena_reset(arena);
    }
    assert_true(yes > 1000 && allowed > 10000);
}

/* However large they are, it takes a second at most: then it is no. */
static void what_takes_too_long_to_compare_is_not_within(void **state)
{
    (void)state;
    struct policy_rule_list rules = { arena_alloc(arena, 64 * sizeof *rules.at), 64 };
    struct str events[64];

    for (size_t i = 0; i < 64; i++) events[i] = arena_printf(arena, "%0120zu*a", i);
    for (size_t i = 0; i < 64; i++)
        rules.at[i] = (struct policy_rule){ .effect = STR("deny"), .events = { events, 64 } };
    rules.at[63].effect = STR("allow");
    assert_false(policy_within(&rules, &rules));
    rules.len = 1;
    assert_true(policy_within(&rules, &rules)); /* a deny alone allows nothing */
}

static int begin(void **state)
{
    (void)state;
    arena = arena_create("test", 64u << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_destroy(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy_is_within_another_as_the_table_says),
        cmocka_unit_test(what_is_allowed_in_admin_is_compared_alone),
        cmocka_unit_test(what_is_said_to_be_within_allows_nothing_more),
        cmocka_unit_test(what_takes_too_long_to_compare_is_not_within),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, begin, end);
}
