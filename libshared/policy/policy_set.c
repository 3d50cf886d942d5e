/* policy_set.c - policies, compiled: denies first, then allows, so that the first rule that fits decides. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/policy/policy_set.h"

#include <stdatomic.h>

#include "libshared/base/id.h"
#include "libshared/policy/pattern.h"

/* A byte of a rule becomes a piece of a pattern at most, and a pattern has a byte at least: so the bytes of a policy's
 * rules (proto/auth.def) bound what is compiled of them. */
#define POLICY_BYTES_MAX (65536 * (sizeof(struct piece) + sizeof(struct pattern) + 2 * _Alignof(max_align_t)) + 65536)

#define ADMIN "/admin"

struct patterns {
    struct pattern *at;
    size_t len;
}; /* len 0: fits everything */

struct rule {
    unsigned actions; /* a bit each */
    bool publishes;   /* allows it, in so many words */
    bool opens_admin; /* and this */
    bool allow;
    int number;
    struct patterns namespaces, events, rooms;
};

struct policy_compiled {
    atomic_uint refs;
    struct arena *arena; /* holds all of it, this struct too */
    struct str name;
    struct rule *rules;
    size_t n_rules;
};

static const char *const action_names[] = {
    [POLICY_CONNECT] = "connect",
    [POLICY_EMIT] = "emit",
    [POLICY_SUBSCRIBE] = "subscribe",
    [POLICY_PUBLISH] = "publish",
    [POLICY_HISTORY] = "history",
    [POLICY_ADMIN] = "admin",
};

bool policy_action_parse(struct str name, enum policy_action *out)
{
    for (size_t i = 0; i < COUNT(action_names); i++)
        if (str_is(name, action_names[i])) {
            *out = (enum policy_action)i;
            return true;
        }
    return false;
}

const char *policy_action_name(enum policy_action action)
{
    return action_names[action];
}

static struct patterns compile_patterns(struct arena *arena, struct str_list list)
{
    struct patterns out = { arena_alloc(arena, (list.len + 1) * sizeof *out.at), list.len };

    for (size_t i = 0; i < list.len; i++) out.at[i] = pattern_compile(arena, list.at[i]);
    return out;
}

/* An id may be written in capitals too, in a rule and in a request.  It is the same room all the same. */
struct str policy_plain_room(struct str room, char text[ID_TEXT_BYTES + 1])
{
    struct id id;

    if (!id_parse(room, &id)) return room;
    id_format(id, text);
    return (struct str){ text, ID_TEXT_BYTES };
}

static struct patterns compile_rooms(struct arena *arena, struct str_list list)
{
    struct patterns out = { arena_alloc(arena, (list.len + 1) * sizeof *out.at), list.len };
    char text[ID_TEXT_BYTES + 1];

    for (size_t i = 0; i < list.len; i++) out.at[i] = pattern_compile(arena, policy_plain_room(list.at[i], text));
    return out;
}

static enum err compile_actions(struct str_list list, size_t number, unsigned *out, struct wire_error *why)
{
    enum policy_action action;

    *out = list.len == 0 ? ~0u : 0;
    for (size_t i = 0; i < list.len; i++) {
        if (!policy_action_parse(list.at[i], &action))
            return wire_refuse(
                why, ERR_INVALID_ARGUMENT, "rules", "rule %zu: there is no action %.*s", number, STR_ARG(list.at[i]));
        *out |= 1u << action;
    }
    return OK;
}

bool policy_names_admin(struct str_list namespaces)
{
    for (size_t i = 0; i < namespaces.len; i++)
        if (str_starts(namespaces.at[i], STR(ADMIN))) return true;
    return false;
}

static enum err compile_rule(
    struct arena *arena, const struct policy_rule *from, size_t number, struct rule *out, struct wire_error *why)
{
    out->allow = str_is(from->effect, "allow");
    out->number = (int)number;
    out->namespaces = compile_patterns(arena, from->namespaces);
    out->events = compile_patterns(arena, from->events);
    out->rooms = compile_rooms(arena, from->rooms);
    TRY(compile_actions(from->actions, number, &out->actions, why));
    out->opens_admin = out->allow && policy_names_admin(from->namespaces);
    out->publishes = out->allow && from->actions.len > 0 && (out->actions & 1u << POLICY_PUBLISH) != 0;
    return OK;
}

static enum err check_effects(const struct policy_rule_list *rules, struct wire_error *why)
{
    for (size_t i = 0; i < rules->len; i++)
        if (!str_is(rules->at[i].effect, "allow") && !str_is(rules->at[i].effect, "deny"))
            return wire_refuse(why, ERR_INVALID_ARGUMENT, "rules", "rule %zu: effect is allow or deny", i);
    return OK;
}

static enum err compile_with(
    struct policy_compiled *p, const struct policy_rule_list *from, const char *effect, struct wire_error *why)
{
    for (size_t i = 0; i < from->len; i++)
        if (str_is(from->at[i].effect, effect))
            TRY(compile_rule(p->arena, &from->at[i], i, &p->rules[p->n_rules++], why));
    return OK;
}

static enum err compile_rules(struct policy_compiled *p, const struct policy_rule_list *from, struct wire_error *why)
{
    p->rules = arena_alloc(p->arena, (from->len + 1) * sizeof *p->rules);
    TRY(check_effects(from, why));
    TRY(compile_with(p, from, "deny", why));
    TRY(compile_with(p, from, "allow", why));
    if (!arena_is_over(p->arena)) return OK;
    return wire_refuse(why, ERR_TOO_LARGE, "rules", "need more memory than one policy may have");
}

enum err policy_compile(
    struct str name, const struct policy_rule_list *rules, struct policy_compiled **out, struct wire_error *why)
{
    /* bound: the bytes of a policy's rules, in its row; asked at the end */
    struct arena *arena = arena_create("policy", POLICY_BYTES_MAX);
    struct policy_compiled *p = arena_zero(arena, sizeof *p);

    atomic_init(&p->refs, 1);
    p->arena = arena;
    p->name = arena_str(arena, name);
    enum err e = compile_rules(p, rules, why);
    if (e != OK) arena_destroy(&arena);
    *out = e == OK ? p : NULL;
    return e;
}

struct policy_compiled *policy_ref_take(struct policy_compiled *policy)
{
    atomic_fetch_add(&policy->refs, 1);
    return policy;
}

void policy_ref_drop(struct policy_compiled **policy)
{
    struct policy_compiled *p = *policy;

    *policy = NULL;
    if (p == NULL || atomic_fetch_sub(&p->refs, 1) != 1) return;
    struct arena *arena = p->arena;
    arena_destroy(&arena);
}

size_t policy_bytes(const struct policy_compiled *policy)
{
    return arena_held(policy->arena);
}

struct str policy_name(const struct policy_compiled *policy)
{
    return policy->name;
}

static bool any_fits(struct patterns patterns, struct str text, struct str subject)
{
    for (size_t i = 0; i < patterns.len; i++)
        if (pattern_fits(&patterns.at[i], text, subject)) return true;
    return patterns.len == 0;
}

/* The history of no room in particular is that of all: also of those that a rule keeps somebody from. */
static bool rooms_fit(const struct rule *rule, const struct policy_question *q)
{
    return any_fits(rule->rooms, q->room, q->subject) ||
           (!rule->allow && q->action == POLICY_HISTORY && q->room.len == 0);
}

static bool rule_fits(const struct rule *rule, const struct policy_question *q)
{
    return (rule->actions & 1u << q->action) != 0 && any_fits(rule->namespaces, q->namespace, q->subject) &&
           any_fits(rule->events, q->event, q->subject) && rooms_fit(rule, q);
}

static bool rule_names(const struct rule *rule, const struct policy_question *q)
{
    for (size_t i = 0; rule->publishes && i < rule->events.len; i++)
        if (pattern_is_name(&rule->events.at[i]) && pattern_fits(&rule->events.at[i], q->event, q->subject))
            return true;
    return false;
}

/* What a rule that allows has to say in so many words. */
static bool rule_says(const struct rule *rule, const struct policy_question *q)
{
    return (q->action != POLICY_PUBLISH || rule_names(rule, q)) &&
           (!str_starts(q->namespace, STR(ADMIN)) || rule->opens_admin);
}

static struct policy_answer ask_rules(
    const struct policy_compiled *policy, const struct policy_question *question, bool in_words)
{
    char room[ID_TEXT_BYTES + 1];
    struct policy_question plain = *question;

    plain.room = policy_plain_room(question->room, room);
    for (size_t i = 0; i < policy->n_rules; i++) {
        const struct rule *rule = &policy->rules[i];
        if (!rule_fits(rule, &plain) || (in_words && rule->allow && !rule_says(rule, &plain))) continue;
        return (struct policy_answer){ rule->allow, rule->number };
    }
    return (struct policy_answer){ false, -1 };
}

struct policy_answer policy_ask(const struct policy_compiled *policy, const struct policy_question *question)
{
    return ask_rules(policy, question, true);
}

struct policy_answer policy_ask_cap(const struct policy_compiled *cap, const struct policy_question *question)
{
    return ask_rules(cap, question, false);
}

bool policy_names(const struct policy_compiled *policy, const struct policy_question *question)
{
    for (size_t i = 0; i < policy->n_rules; i++)
        if (rule_names(&policy->rules[i], question) &&
            any_fits(policy->rules[i].namespaces, question->namespace, question->subject))
            return true;
    return false;
}

size_t policy_named_events(
    const struct policy_compiled *policy, struct str nsp, struct str subject, struct str *out, size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < policy->n_rules; i++) {
        const struct rule *rule = &policy->rules[i];
        if (!rule->publishes || !any_fits(rule->namespaces, nsp, subject)) continue;
        for (size_t k = 0; k < rule->events.len && n < max; k++)
            if (rule->events.at[k].kind == PATTERN_EXACT) out[n++] = rule->events.at[k].text;
    }
    return n;
}
