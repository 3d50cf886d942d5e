/* policy_cost.c - nanoseconds per question to a policy of 20 rules: as a chat has them, and the dearest case. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "libshared/base/clock.h"
#include "libshared/policy/policy_set.h"

#define RULES     20
#define QUESTIONS 2000000

static struct str namespaces[] = { { "/chat", 5 }, { "/notification", 13 } };
static struct str events[] = { { "message:*", 9 }, { "room:*", 6 }, { "typing", 6 } };
static struct str rooms[] = { { "team:*:open", 11 }, { "inbox:{sub}", 11 }, { "*-public", 8 } };
static struct str actions[] = { { "emit", 4 }, { "subscribe", 9 } };

static struct policy_compiled *twenty_rules(void)
{
    static struct policy_rule rules[RULES];
    struct policy_compiled *policy = NULL;

    for (int i = 0; i < RULES; i++)
        rules[i] = (struct policy_rule){ .effect = i % 5 == 4 ? STR("deny") : STR("allow"),
            .namespaces = { namespaces, 2 },
            .events = { events, 3 },
            .rooms = { rooms, 3 },
            .actions = { actions, 2 } };
    if (policy_compile(STR("twenty"), &(struct policy_rule_list){ rules, RULES }, &policy, NULL) != OK) return NULL;
    return policy;
}

static void measure(const char *what, const struct policy_compiled *policy, const struct policy_question *q)
{
    unsigned allowed = 0;
    int64_t begin = clock_mono_us();

    for (int i = 0; i < QUESTIONS; i++) {
        allowed += policy_ask(policy, q).allowed;
        __asm__ volatile("" ::: "memory"); /* ask again, each time */
    }
    double ns = (double)(clock_mono_us() - begin) * 1000 / QUESTIONS;
    printf("policy_ask, 20 rules, %-24s %7.1f ns  (%s)\n", what, ns, allowed ? "allowed" : "denied");
}

int main(void)
{
    struct policy_compiled *policy = twenty_rules();
    struct policy_question q = { STR("/chat"), STR("message:send"), STR("inbox:ada"), STR("ada"), POLICY_EMIT };

    if (policy == NULL) return 1;
    measure("first rule decides:", policy, &q);
    q.room = STR("0190a0b4-7c5e-7000-8000-0123456789ab");
    measure("no room pattern fits:", policy, &q);
    q.event = STR("presence:update");
    measure("no event pattern fits:", policy, &q);
    policy_ref_drop(&policy);
    return 0;
}
