/* test_policy.c - which rule decides: a table of cases. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "libshared/policy/policy_set.h"

/* One pattern, asked as a room. */
static const struct {
    const char *pattern, *room, *subject;
    bool fits;
} pattern_cases[] = {
    { "*", "", "", true },
    { "*", "x", "", true },
    { "**", "", "", true },
    { "a", "a", "", true },
    { "a", "ab", "", false },
    { "a", "", "", false },
    { "", "", "", false },
    { "", "a", "", false },
    { "room:*", "room:1", "", true },
    { "room:*", "room:", "", true },
    { "room:*", "roo", "", false },
    { "*:end", "x:end", "", true },
    { "*:end", ":end", "", true },
    { "*:end", "end", "", false },
    { "*mid*", "a mid b", "", true },
    { "*mid*", "mid", "", true },
    { "*mid*", "mi", "", false },
    { "a*b*c", "a1b2c", "", true },
    { "a*b*c", "abc", "", true },
    { "a*b*c", "acb", "", false },
    { "a*b", "ab1b", "", true },
    { "a*b", "aab1", "", false },
    { "a*ab", "aab", "", true },
    { "*aab", "aaaab", "", true },
    { "*ab*ab", "ab", "", false },
    { "*ab*ab", "abab", "", true },
    { "user:{sub}", "user:ada", "ada", true },
    { "user:{sub}", "user:bo", "ada", false },
    { "user:{sub}", "user:", "", false },
    { "{sub}", "", "", false },
    { "{sub}", "a*c", "a*c", true },
    { "{sub}", "abc", "a*c", false },
    { "{sub}", "anything", "*", false },
    { "{sub}", "*", "*", true },
    { "{sub}*", "*x", "*", true },
    { "{sub}*", "x", "*", false },
    { "*{sub}*", "1ada2", "ada", true },
    { "*{sub}*", "1ad2", "ada", false },
    { "*{sub}", "aada", "ada", true },
    { "{sub}:{sub}", "ada:ada", "ada", true },
    { "{sub}:{sub}", "ada:bo", "ada", false },
    { "{sub}", "{sub}", "ada", false },
    { "{sub}", "{sub}", "{sub}", true },
    { "{su", "{su", "ada", true },
    { "{sub", "{sub", "ada", true },
    { "a{x}b", "a{x}b", "ada", true },
    { "01a1fcfe-3db8-7efb-9c34-fc5b361312f6", "01A1FCFE-3db8-7EFB-9c34-fc5b361312f6", "", true },
    { "01A1FCFE-3DB8-7EFB-9C34-FC5B361312F6", "01a1fcfe-3db8-7efb-9c34-fc5b361312f6", "", true },
    { "01a1*", "01A1FCFE-3db8-7efb-9c34-fc5b361312f6", "", true },
    { "ABC", "abc", "", false },
    { "*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "", false },
};

static struct policy_compiled *compile(struct policy_rule *rules, size_t n)
{
    struct policy_compiled *policy = NULL;
    struct policy_rule_list list = { rules, n };
    struct wire_error why = { 0 };

    assert_int_equal(policy_compile(STR("test"), &list, &policy, &why), OK);
    return policy;
}

static void patterns_fit_what_the_table_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(pattern_cases); i++) {
        struct str room = str_of(pattern_cases[i].pattern);
        struct policy_rule rule = { .effect = STR("allow"), .rooms = { &room, 1 } };
        struct policy_compiled *policy = compile(&rule, 1);
        struct policy_question q = { .room = str_of(pattern_cases[i].room),
            .subject = str_of(pattern_cases[i].subject) };

        if (policy_ask(policy, &q).allowed != pattern_cases[i].fits)
            fail_msg("pattern %s, room %s, subject %s", pattern_cases[i].pattern, pattern_cases[i].room,
                pattern_cases[i].subject);
        policy_ref_drop(&policy);
    }
}

/* Rules of one list below; each question names the rule that must decide. */
static struct str chat_only[] = { { "/chat", 5 } }, messages[] = { { "message:*", 9 }, { "typing", 6 } };
static struct str deletion[] = { { "message:delete", 14 } }, own[] = { { "inbox:{sub}", 11 } },
                  locked[] = { { "locked*", 7 } };
static struct str emit_only[] = { { "emit", 4 } }, both[] = { { "subscribe", 9 }, { "history", 7 } };

static struct policy_rule rules[] = {
    { .effect = { "allow", 5 },
        .namespaces = { chat_only, 1 },
        .events = { messages, 2 },
        .actions = { emit_only, 1 } },
    { .effect = { "deny", 4 }, .events = { deletion, 1 } },
    { .effect = { "allow", 5 }, .rooms = { own, 1 }, .actions = { both, 2 } },
    { .effect = { "deny", 4 }, .rooms = { locked, 1 } },
};

static const struct {
    const char *namespace, *event, *room, *subject;
    enum policy_action action;
    int rule;
} cases[] = {
    { "/chat", "message:send", "", "ada", POLICY_EMIT, 0 },
    { "/chat", "typing", "any", "ada", POLICY_EMIT, 0 },
    { "/chat", "message:delete", "", "ada", POLICY_EMIT, 1 },
    { "/", "message:send", "", "ada", POLICY_EMIT, -1 },
    { "/chat", "message:send", "", "ada", POLICY_PUBLISH, -1 },
    { "/chat", "", "", "ada", POLICY_EMIT, -1 },
    { "/chat", "x", "inbox:ada", "ada", POLICY_SUBSCRIBE, 2 },
    { "/chat", "x", "inbox:ada", "ada", POLICY_HISTORY, 2 },
    { "/chat", "x", "inbox:ada", "bo", POLICY_HISTORY, -1 },
    { "/chat", "x", "", "ada", POLICY_HISTORY, 3 }, /* of all rooms: also of those that are denied */
    { "/chat", "message:send", "locked-7", "ada", POLICY_EMIT, 3 },
    { "/chat", "message:delete", "locked-7", "ada", POLICY_EMIT, 1 },
    { "/chat", "", "", "ada", POLICY_ADMIN, -1 },
};

static void the_first_deny_then_the_first_allow_decides(void **state)
{
    (void)state;
    struct policy_compiled *policy = compile(rules, COUNT(rules));

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct policy_question q = { str_of(cases[i].namespace), str_of(cases[i].event), str_of(cases[i].room),
            str_of(cases[i].subject), cases[i].action };
        struct policy_answer answer = policy_ask(policy, &q);
        if (answer.rule != cases[i].rule) fail_msg("case %zu: rule %d decided, not %d", i, answer.rule, cases[i].rule);
        assert_int_equal(answer.allowed, cases[i].rule == 0 || cases[i].rule == 2);
    }
    policy_ref_drop(&policy);
}

static void no_rules_deny_and_a_bare_allow_allows(void **state)
{
    (void)state;
    struct policy_rule all = { .effect = STR("allow") };
    struct policy_compiled *none = compile(NULL, 0), *open = compile(&all, 1);
    struct policy_question q = { .action = POLICY_ADMIN };

    assert_false(policy_ask(none, &q).allowed);
    assert_true(policy_ask(open, &q).allowed);
    policy_ref_drop(&none);
    policy_ref_drop(&open);
}

/* What a rule that allows `publish` makes of an event. */
static const struct {
    const char *event, *pattern; /* pattern NULL: the rule has no events */
    bool with_actions, published;
} publishing[] = {
    { "typing", "typing", true, true },
    { "typing", "typ*", true, true },
    { "typing:ada", "typing:{sub}", true, true },
    { "typing", "typing", false, false }, /* `publish` is not among the actions */
    { "typing", NULL, true, false },
    { "typing", "*", true, false },
    { "typing", "**", true, false },
    { "typing", "*ing", true, false },
    { "ada", "{sub}", true, false },
    { "typing", "cursor", true, false },
};

static void only_what_a_rule_names_is_published(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(publishing); i++) {
        struct str event = str_of(publishing[i].pattern), action = STR("publish");
        struct policy_rule rule = { .effect = STR("allow"),
            .events = { &event, event.len > 0 },
            .actions = { &action, publishing[i].with_actions } };
        struct policy_compiled *policy = compile(&rule, 1);
        struct policy_question q = {
            .event = str_of(publishing[i].event), .subject = STR("ada"), .action = POLICY_PUBLISH
        };
        if (policy_ask(policy, &q).allowed != publishing[i].published ||
            policy_names(policy, &q) != publishing[i].published)
            fail_msg("case %zu", i);
        bool fits = publishing[i].pattern == NULL || strcmp(publishing[i].pattern, "cursor") != 0;
        assert_int_equal(policy_ask_cap(policy, &q).allowed, fits); /* what narrows need not name */
        q.action = POLICY_EMIT;
        assert_int_equal(policy_ask(policy, &q).allowed, fits && !publishing[i].with_actions);
        policy_ref_drop(&policy);
    }
}

static void a_deny_needs_no_name_and_a_name_is_known_by_its_namespace(void **state)
{
    (void)state;
    struct str events[] = { STR("typing"), STR("cursor:*"), STR("poke") }, action = STR("publish"), nsp = STR("/chat"),
               bad = STR("p*"), out[8];
    struct policy_rule with_deny[] = {
        { .effect = STR("allow"), .namespaces = { &nsp, 1 }, .events = { events, 3 }, .actions = { &action, 1 } },
        { .effect = STR("deny"), .events = { &bad, 1 } },
    };
    struct policy_compiled *policy = compile(with_deny, 2);
    struct policy_question q = { .namespace = nsp, .event = STR("poke"), .action = POLICY_PUBLISH };

    assert_true(policy_names(policy, &q) && !policy_ask(policy, &q).allowed);
    q.namespace = STR("/");
    assert_false(policy_names(policy, &q));
    assert_int_equal(policy_named_events(policy, nsp, STR("ada"), out, 8), 2);
    assert_true(str_is(out[0], "typing") && str_is(out[1], "poke"));
    assert_int_equal(policy_named_events(policy, nsp, STR("ada"), out, 1), 1);
    assert_int_equal(policy_named_events(policy, STR("/"), STR("ada"), out, 8), 0);
    policy_ref_drop(&policy);
}

/* What a rule that allows everything in its namespaces makes of /admin. */
static const struct {
    const char *pattern; /* NULL: it has none */
    bool opened;
} opening[] = {
    { "/admin", true },
    { "/admin*", true },
    { NULL, false },
    { "*", false },
    { "/*", false },
    { "/a*", false },
    { "*admin", false },
    { "{sub}", false },
    { "/chat", false },
};

static void only_a_rule_that_names_it_opens_admin(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(opening); i++) {
        struct str pattern = str_of(opening[i].pattern), admin = STR("/admin");
        struct policy_rule rules_[] = {
            { .effect = STR("allow"), .namespaces = { &pattern, pattern.len > 0 } },
            { .effect = STR("allow"), .namespaces = { &admin, 1 } },
            { .effect = STR("deny"), .namespaces = { &pattern, pattern.len > 0 } },
        };
        struct policy_compiled *policy = compile(rules_, 1), *denied = compile(rules_ + 1, 2);
        struct policy_question q = { .namespace = admin, .subject = admin, .action = POLICY_ADMIN };
        if (policy_ask(policy, &q).allowed != opening[i].opened) fail_msg("case %zu", i);
        bool fits = opening[i].pattern == NULL || strcmp(opening[i].pattern, "/chat") != 0;
        assert_int_equal(policy_ask(denied, &q).allowed, !fits);    /* a deny needs no name */
        assert_int_equal(policy_ask_cap(policy, &q).allowed, fits); /* nor does what narrows */
        policy_ref_drop(&policy);
        policy_ref_drop(&denied);
    }
}

static void unknown_words_are_refused_by_name(void **state)
{
    (void)state;
    struct str actions[] = { STR("emit"), STR("fly") };
    struct policy_rule bad[] = { { .effect = STR("allow"), .actions = { actions, 2 } }, { .effect = STR("maybe") } };
    struct policy_compiled *policy = NULL;
    struct wire_error why = { 0 };

    assert_int_equal(
        policy_compile(STR("x"), &(struct policy_rule_list){ bad, 1 }, &policy, &why), ERR_INVALID_ARGUMENT);
    assert_null(policy);
    assert_non_null(strstr(why.text, "fly"));
    assert_int_equal(
        policy_compile(STR("x"), &(struct policy_rule_list){ bad + 1, 1 }, &policy, &why), ERR_INVALID_ARGUMENT);
    assert_non_null(strstr(why.text, "effect"));
}

static void a_policy_lives_until_its_last_reference(void **state)
{
    (void)state;
    char name[] = "mine";
    struct policy_compiled *policy = NULL, *other;

    assert_int_equal(
        policy_compile(str_of(name), &(struct policy_rule_list){ rules, COUNT(rules) }, &policy, NULL), OK);
    memset(name, 'x', 4); /* nothing of the source is kept */
    other = policy_ref_take(policy);
    policy_ref_drop(&policy);
    assert_null(policy);
    policy_ref_drop(&policy);
    assert_true(str_is(policy_name(other), "mine"));
    policy_ref_drop(&other);
}

static void actions_have_names(void **state)
{
    (void)state;
    for (int i = POLICY_CONNECT; i <= POLICY_ADMIN; i++) {
        enum policy_action action = POLICY_CONNECT;
        assert_true(policy_action_parse(str_of(policy_action_name((enum policy_action)i)), &action));
        assert_int_equal(action, i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_fit_what_the_table_says),
        cmocka_unit_test(the_first_deny_then_the_first_allow_decides),
        cmocka_unit_test(no_rules_deny_and_a_bare_allow_allows),
        cmocka_unit_test(only_what_a_rule_names_is_published),
        cmocka_unit_test(a_deny_needs_no_name_and_a_name_is_known_by_its_namespace),
        cmocka_unit_test(only_a_rule_that_names_it_opens_admin),
        cmocka_unit_test(unknown_words_are_refused_by_name),
        cmocka_unit_test(a_policy_lives_until_its_last_reference),
        cmocka_unit_test(actions_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
