/*
 * policy_within.c - does a policy allow nothing that another one does not allow?
 *
 * Each allow of the inner one is taken apart by action and namespace.  Each part has to lie within one allow of the outer one, and
 * each deny of the outer one has to miss the part, or to lie within a deny of the inner one.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/policy/policy_within.h"

#include "libshared/base/arena.h"
#include "libshared/policy/policy_set.h"

#define SIGNS_MAX 512       /* proto/policy.def: 128 code points */
#define STEPS_MAX 100000000 /* of comparing one sign with another: a second at most, on a worker */

enum { SIGN_STAR = 256, SIGN_SUBJECT = 257 };

struct signs {
    short at[SIGNS_MAX + 1];
    size_t n;
};

struct comparison {
    int64_t steps;    /* that are left */
    bool admin_alone; /* what is allowed in /admin */
};

/* A star and {sub} are one sign each, and ** is *. */
static void read_signs(struct str text, struct signs *out)
{
    out->n = 0;
    for (size_t i = 0; i < text.len && out->n < SIGNS_MAX;) {
        bool subject = str_starts(str_skip(text, i), STR("{sub}")), star = text.at[i] == '*';
        short sign = (short)(subject ? SIGN_SUBJECT : star ? SIGN_STAR : (unsigned char)text.at[i]);
        i += subject ? 5 : 1;
        if (!star || out->n == 0 || out->at[out->n - 1] != SIGN_STAR) out->at[out->n++] = sign;
    }
}

static bool is_open(int sign, bool meets)
{
    return sign == SIGN_STAR || (meets && sign == SIGN_SUBJECT);
}

/* below, beside, across: without this sign of the first pattern, without the other one of the second, without both. */
static bool goes_on(int sign, int other, bool meets, bool below, bool beside, bool across)
{
    if (is_open(sign, meets) || (meets && is_open(other, true))) return below || beside;
    return sign == other && across;
}

/*
 * Walks through both patterns, from their ends.
 *
 * meets: is there a text of both?  A subject may be any text.  Else: is each text of the second one of the first?  Then the second
 * one's star is a sign that only a star takes.
 */
static bool compare_signs(struct comparison *c, const struct signs *first, const struct signs *second, bool meets)
{
    bool rows[2][SIGNS_MAX + 2] = { { false } };
    bool *next = rows[0], *now = rows[1];

    c->steps -= (int64_t)(first->n + 1) * (int64_t)(second->n + 1);
    if (c->steps < 0) return meets; /* the careful answer */
    next[second->n] = true;
    for (size_t j = second->n; meets && j-- > 0;) next[j] = is_open(second->at[j], true) && next[j + 1];
    for (size_t i = first->n; i-- > 0;) {
        for (size_t j = second->n + 1; j-- > 0;) {
            bool is_end = j == second->n;
            now[j] = goes_on(first->at[i], is_end ? -1 : second->at[j], meets, next[j], !is_end && now[j + 1],
                !is_end && next[j + 1]);
        }
        bool *swap = next;
        next = now;
        now = swap;
    }
    return next[0];
}

/* What a request does not name is an empty text, and fits `*` alone: so does a star. */
static bool pattern_is_within(struct comparison *c, struct str inner, struct str outer)
{
    struct signs in, out;

    read_signs(inner, &in);
    read_signs(outer, &out);
    return compare_signs(c, &out, &in, false);
}

static bool patterns_meet(struct comparison *c, struct str a, struct str b)
{
    struct signs first, second;

    read_signs(a, &first);
    read_signs(b, &second);
    return compare_signs(c, &first, &second, true);
}

/* --- lists: an absent one fits everything --- */

static const struct str ANYTHING = { "*", 1 };

static size_t list_length(struct str_list list)
{
    return list.len > 0 ? list.len : 1;
}

static struct str list_at(struct str_list list, size_t i)
{
    return list.len > 0 ? list.at[i] : ANYTHING;
}

static bool any_holds(struct comparison *c, struct str_list outer, struct str inner)
{
    for (size_t i = 0; i < list_length(outer); i++)
        if (pattern_is_within(c, inner, list_at(outer, i))) return true;
    return false;
}

static bool list_is_within(struct comparison *c, struct str_list inner, struct str_list outer)
{
    for (size_t i = 0; i < list_length(inner); i++)
        if (!any_holds(c, outer, list_at(inner, i))) return false;
    return true;
}

static bool any_meets(struct comparison *c, struct str_list list, struct str pattern)
{
    for (size_t i = 0; i < list_length(list); i++)
        if (patterns_meet(c, list_at(list, i), pattern)) return true;
    return false;
}

static bool lists_meet(struct comparison *c, struct str_list a, struct str_list b)
{
    for (size_t i = 0; i < list_length(b); i++)
        if (any_meets(c, a, list_at(b, i))) return true;
    return false;
}

/* --- rules --- */

/* An allow of the inner policy, for one action and one of its namespaces. */
struct rule_part {
    enum policy_action action;
    struct str nsp;
    struct str_list events, rooms;
    bool opens_admin; /* and what it allows there, too */
};

static bool has_action(const struct policy_rule *rule, enum policy_action action)
{
    for (size_t i = 0; i < rule->actions.len; i++)
        if (str_is(rule->actions.at[i], policy_action_name(action))) return true;
    return rule->actions.len == 0;
}

/* What is published is named: of `*`, and of what begins with it, nothing is. */
static struct str_list keep_names(struct str_list events, struct str names[], size_t max)
{
    struct str_list out = { names, 0 };

    for (size_t i = 0; i < events.len && out.len < max; i++)
        if (events.at[i].len > 0 && events.at[i].at[0] != '*' && !str_starts(events.at[i], STR("{sub}")))
            names[out.len++] = events.at[i];
    return out;
}

#define EVENTS_MAX 64 /* proto/policy.def: policy_rule.events */

static bool allow_holds(struct comparison *c, const struct policy_rule *rule, const struct rule_part *part)
{
    struct str names[EVENTS_MAX];
    struct str_list events = rule->events;

    if (!str_is(rule->effect, "allow") || !has_action(rule, part->action)) return false;
    if (part->opens_admin && !policy_names_admin(rule->namespaces)) return false;
    if (part->action == POLICY_PUBLISH) {
        events = keep_names(rule->events, names, EVENTS_MAX);
        if (rule->actions.len == 0 || events.len == 0) return false;
    }
    return any_holds(c, rule->namespaces, part->nsp) && list_is_within(c, part->events, events) &&
           list_is_within(c, part->rooms, rule->rooms);
}

static bool deny_is_within(
    struct comparison *c, const struct policy_rule *deny, const struct policy_rule *other, enum policy_action action)
{
    return str_is(other->effect, "deny") && has_action(other, action) &&
           list_is_within(c, deny->namespaces, other->namespaces) && list_is_within(c, deny->events, other->events) &&
           list_is_within(c, deny->rooms, other->rooms);
}

static bool is_denied_too(struct comparison *c, const struct policy_rule *deny, const struct policy_rule_list *inner,
    enum policy_action action)
{
    for (size_t i = 0; i < inner->len; i++)
        if (deny_is_within(c, deny, &inner->at[i], action)) return true;
    return false;
}

static bool deny_meets(struct comparison *c, const struct policy_rule *deny, const struct rule_part *part)
{
    return str_is(deny->effect, "deny") && has_action(deny, part->action) &&
           any_meets(c, deny->namespaces, part->nsp) && lists_meet(c, deny->events, part->events) &&
           lists_meet(c, deny->rooms, part->rooms);
}

static bool part_is_within(struct comparison *c, const struct rule_part *part, const struct policy_rule_list *inner,
    const struct policy_rule_list *outer)
{
    bool allowed = false;

    for (size_t i = 0; i < outer->len && !allowed; i++) allowed = allow_holds(c, &outer->at[i], part);
    for (size_t i = 0; i < outer->len && allowed; i++)
        if (deny_meets(c, &outer->at[i], part)) allowed = is_denied_too(c, &outer->at[i], inner, part->action);
    return allowed;
}

static bool action_is_within(struct comparison *c, const struct policy_rule *rule, enum policy_action action,
    const struct policy_rule_list *inner, const struct policy_rule_list *outer)
{
    struct str names[EVENTS_MAX];
    struct rule_part part = { .action = action, .events = rule->events, .rooms = rule->rooms };

    if (!has_action(rule, action)) return true;
    if (action == POLICY_PUBLISH) {
        part.events = keep_names(rule->events, names, EVENTS_MAX);
        if (rule->actions.len == 0 || part.events.len == 0) return true; /* it allows none */
    }
    for (size_t i = 0; i < list_length(rule->namespaces); i++) {
        part.nsp = list_at(rule->namespaces, i);
        part.opens_admin = policy_names_admin(rule->namespaces) && patterns_meet(c, part.nsp, STR("/admin*"));
        if (c->admin_alone) {
            if (!part.opens_admin || !pattern_is_within(c, STR("/admin"), part.nsp)) continue;
            part.nsp = STR("/admin");
        }
        if (!part_is_within(c, &part, inner, outer)) return false;
    }
    return true;
}

static struct policy_rule_list plain_rules(struct arena *arena, const struct policy_rule_list *rules)
{
    struct policy_rule_list out = { arena_alloc(arena, (rules->len + 1) * sizeof *out.at), rules->len };
    char text[ID_TEXT_BYTES + 1];

    for (size_t i = 0; i < rules->len; i++) {
        struct str_list rooms = rules->at[i].rooms;
        struct str *plain = arena_alloc(arena, (rooms.len + 1) * sizeof *plain);
        for (size_t j = 0; j < rooms.len; j++) plain[j] = arena_str(arena, policy_plain_room(rooms.at[j], text));
        out.at[i] = rules->at[i];
        out.at[i].rooms.at = plain;
    }
    return out;
}

static bool is_within(struct comparison c, const struct policy_rule_list *inner, const struct policy_rule_list *outer)
{
    /* bound: two policies' rooms, of 64 KiB each */
    struct arena *arena = arena_create("policy.within", 1u << 20);
    struct policy_rule_list in = plain_rules(arena, inner), out = plain_rules(arena, outer);
    enum policy_action first = c.admin_alone ? POLICY_ADMIN : POLICY_CONNECT;
    bool good = true;

    for (size_t i = 0; i < in.len; i++)
        for (int action = (int)first; action <= POLICY_ADMIN && str_is(in.at[i].effect, "allow"); action++)
            good = good && action_is_within(&c, &in.at[i], (enum policy_action)action, &in, &out);
    arena_destroy(&arena);
    return good;
}

bool policy_within(const struct policy_rule_list *inner, const struct policy_rule_list *outer)
{
    return is_within((struct comparison){ .steps = STEPS_MAX }, inner, outer);
}

bool policy_admin_within(const struct policy_rule_list *inner, const struct policy_rule_list *outer)
{
    return is_within((struct comparison){ .steps = STEPS_MAX, .admin_alone = true }, inner, outer);
}
