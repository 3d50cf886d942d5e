/*
 * policy_set.h - may this subject do this here?  Policies compiled once, asked on every event.
 *
 * A deny that fits wins; else an allow that fits; else it is denied.  A rule fits when each of its lists is absent or
 * holds a fitting pattern.  A pattern is text in which * stands for any characters and {sub} for the subject, literally.
 * `*` alone fits everything.  No other pattern fits what is empty: a rule with rooms fits only requests that name one.
 * A pattern with {sub} fits nothing where there is no subject.  A deny of the history of some rooms fits what asks for that of all, too.
 *
 * An event is published, that is relayed without being known to us, only if the policy names it: a rule that allows it has
 * `publish` among its actions and, among its events, the name or what it begins with.  An absent list and `*` name
 * nothing.
 *
 * The namespace /admin is opened in so many words, too: by a rule that allows it with `/admin` among its namespaces.  What
 * was written for every namespace that there is was not written for that one.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/records.h"

enum policy_action { POLICY_CONNECT, POLICY_EMIT, POLICY_SUBSCRIBE, POLICY_PUBLISH, POLICY_HISTORY, POLICY_ADMIN };

struct policy_compiled; /* immutable, counted */

struct policy_question {
    struct str namespace, event, room, subject;
    enum policy_action action;
};
struct policy_answer {
    bool allowed;
    int rule;
}; /* rule -1: none fits */

/* ERR_INVALID_ARGUMENT and `why` for an unknown effect or action.  ERR_TOO_LARGE: no list with the bounds of proto/. */
enum err policy_compile(struct str name, const struct policy_rule_list *rules, struct policy_compiled **out,
    struct wire_error *why) MUST_CHECK;
struct policy_compiled *policy_ref_take(struct policy_compiled *policy);
void policy_ref_drop(struct policy_compiled **policy);
size_t policy_bytes(const struct policy_compiled *policy); /* of memory */
struct str policy_name(const struct policy_compiled *policy);
struct policy_answer policy_ask(const struct policy_compiled *policy, const struct policy_question *question);
/* The same of rules that narrow what a policy allows: they need not name what is published, nor /admin. */
struct policy_answer policy_ask_cap(const struct policy_compiled *cap, const struct policy_question *question);
/* Would the event be published in some room?  The question's room and action don't matter, and denies neither. */
bool policy_names(const struct policy_compiled *policy, const struct policy_question *question);
/* Up to `max` whole names that may be published in this namespace; views that live as long as the policy. */
size_t policy_named_events(
    const struct policy_compiled *policy, struct str nsp, struct str subject, struct str *out, size_t max);
/* A room as patterns and questions have it: ids in small letters. */
struct str policy_plain_room(struct str room, char text[ID_TEXT_BYTES + 1]);
/* A rule that allows these namespaces opens /admin. */
bool policy_names_admin(struct str_list namespaces);
bool policy_action_parse(struct str name, enum policy_action *out);
const char *policy_action_name(enum policy_action action);
