/* key.c - authctl key ... */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/authctl/key_commands.h"

/* The key alone on standard output, so that it can go into a file or a pipe; all else is for eyes. */
static void print_issued(const void *req, const void *rep)
{
    const struct key_issued *key = rep;

    (void)req;
    printf("%.*s\n", STR_ARG(key->key));
    fprintf(stderr, "\nKey %.*s (%s), policy %.*s, expires %s.\n", STR_ARG(key->id), shown_text(key->name),
        STR_ARG(key->policy), time_text(key->expires_at));
    if (key->grace_until != 0) fprintf(stderr, "The former secret works until %s.\n", time_text(key->grace_until));
    fprintf(stderr, "Keep it now: it is stored as a hash only and cannot be shown again.\n");
}

static const char *rights_text(const void *record)
{
    const struct api_key *key = record;
    struct str rights[3];
    struct str_list list = { rights, 0 };

    if (key->impersonate) rights[list.len++] = STR("impersonate");
    if (key->act_as_users) rights[list.len++] = STR("act_as_users");
    if (key->bind_tokens) rights[list.len++] = STR("bind_tokens");
    return list_text(list);
}

static const char *uses_text(const struct api_key *key)
{
    return key->uses_left < 0 ? "as many tokens as are asked for"
                              : text_printf("%lld tokens more", (long long)key->uses_left);
}

static void print_limits(const struct api_key *key)
{
    for (size_t i = 0; i < key->limits.len; i++)
        printf("%-11s %s = %lld\n", i == 0 ? "limits" : "", shown_text(key->limits.at[i].name),
            (long long)key->limits.at[i].limit);
}

void key_print(const void *req, const void *rep)
{
    const struct api_key *key = rep;

    (void)req;
    printf("%-11s %.*s\n", "id", STR_ARG(key->id));
    printf("%-11s %s\n", "name", shown_text(key->name));
    printf("%-11s %s\n", "policy", shown_text(key->policy));
    printf("%-11s %s\n", "state", shown_text(key->state));
    printf("%-11s %s\n", "rights", rights_text(key));
    printf("%-11s %s\n", "from", key->networks.len > 0 ? list_text(key->networks) : "anywhere");
    printf("%-11s %s\n", "for", uses_text(key));
    print_limits(key);
    printf("%-11s %s, by %s\n", "created", time_text(key->created_at),
        key->issued_by.len > 0 ? shown_text(key->issued_by) : "an operator");
    printf("%-11s %s\n", "expires", time_text(key->expires_at));
    if (key->grace_until != 0) printf("%-11s until %s\n", "grace", time_text(key->grace_until));
    printf("%-11s %s%s%s\n", "last used", time_text(key->last_used_at), key->last_used_from.len > 0 ? ", from " : "",
        shown_text(key->last_used_from));
}

static const struct column COLUMNS[] = {
    { "ID", "id", 12, NULL, NULL },
    { "NAME", "name", 20, NULL, NULL },
    { "POLICY", "policy", 16, NULL, NULL },
    { "STATE", "state", 9, NULL, NULL },
    { "CREATED", "created_at", 20, NULL, NULL },
    { "EXPIRES", "expires_at", 20, NULL, NULL },
    { "LAST USED", "last_used_at", 20, NULL, NULL },
    { "RIGHTS", NULL, 38, NULL, rights_text },
    { "FROM", "networks", 0, "anywhere", NULL },
    { NULL, NULL, 0, NULL, NULL },
};

static const struct column USES[] = {
    { "WHEN", "day", 16, NULL, NULL },
    { "RESULT", "result", 20, NULL, NULL },
    { "TIMES", "count", 0, NULL, NULL },
    { NULL, NULL, 0, NULL, NULL },
};

#define KEY_ID                                                                                                         \
    {                                                                                                                  \
        .name = "ID", .value = "ID", .field = "id", .is = REQUIRED_WORD,                                               \
        .doc = "Public part of the key, the first column of key list"                                                  \
    }

/* clang-format off */
static const struct command COMMANDS[] = {
    { .verb = "issue",
      .doc = "Issue an API key; it is printed once, and cannot be shown again",
      .about = "The key alone goes to standard output, all else to standard error, so that it can be piped into a store of secrets.",
      .ask = &ask_auth_key_issue,
      .prepare = key_take_issue_limits,
      .print = print_issued,
      .words = (const struct word[]){
          { .name = "--name", .value = "NAME", .field = "name", .is = REQUIRED_WORD, .doc = "What it is called in lists" },
          { .name = "--policy", .value = "POLICY", .field = "policy", .is = REQUIRED_WORD, .doc = "The policy that bounds whoever uses it" },
          { .name = "--expires", .value = "90d", .field = "expires_in_s", .is = DURATION, .least = 1, .doc = "After so long it has ended; without it, never" },
          { .name = "--network", .value = "CIDR", .field = "networks", .is = MANY, .doc = "It may be used from there, and from nowhere else" },
          { .name = "--bind-tokens", .field = "bind_tokens", .is = PAIR, .doc = "Its networks hold for the tokens that it gets for subjects, too" },
          { .name = "--impersonate", .field = "impersonate", .is = PAIR, .doc = "It may have tokens for names that its back end gives, as it may if nothing is said" },
          { .name = "--act-as-users", .field = "act_as_users", .is = PAIR, .doc = "It may have tokens for registered users" },
          { .name = "--uses", .value = "N", .field = "uses", .least = 1, .doc = "For so many tokens; without it, for as many as are asked for" },
          { .name = "--limit", .value = "NAME=N", .is = MANY, .doc = "A rate or quota of its own: key_requests, key_events and key_arrivals count all that is done with it; quota list has the others" },
          { .name = NULL } },
      .examples = (const struct example[]){
          { "key issue --name web --policy chat-client --expires 90d", "A key for a web page, for 90 days" },
          { "key issue --name trial --policy chat-client --uses 1 --expires 1h", "A single token, within the hour" },
          { "key issue --name orders --policy chat-backend --network 10.0.0.0/8 --bind-tokens >orders.key", "A back end's, for its own network alone, into a file" },
          { NULL, NULL } } },
    { .verb = "list",
      .doc = "List all keys, newest first",
      .ask = &ask_auth_key_list,
      .pages = true, .list = "keys", .columns = COLUMNS,
      .examples = (const struct example[]){
          { "key list", "Who has keys, what they may, when they were used last" },
          { "key list --json | jq -r '.keys[] | select(.state == \"active\") | .id'", "The ids of those that work" },
          { NULL, NULL } } },
    { .verb = "show",
      .doc = "Show all of one key but its secret",
      .ask = &ask_auth_key_get,
      .print = key_print,
      .words = (const struct word[]){ KEY_ID, { .name = NULL } },
      .examples = (const struct example[]){ { "key show gk7QhTz1aVx2", "What it may, how much, and from where it was used last" }, { NULL, NULL } } },
    { .verb = "edit",
      .doc = "Change what a key is and may; live sockets obey at once",
      .about = "What is changed holds for the tokens that it got before, too.",
      .ask = &ask_auth_key_edit,
      .prepare = key_take_edit_limits,
      .edits = true, .print = key_print,
      .words = (const struct word[]){
          KEY_ID,
          { .name = "--name", .value = "NAME", .field = "name", .doc = "What it is called in lists" },
          { .name = "--policy", .value = "POLICY", .field = "policy", .doc = "The policy that bounds whoever uses it" },
          { .name = "--expires", .value = "90d", .field = "expires_in_s", .is = DURATION, .doc = "After so long from now it has ended; 0: never" },
          { .name = "--network", .value = "CIDR", .field = "networks", .is = MANY, .doc = "From there alone, instead of where it was before" },
          { .name = "--anywhere", .field = "anywhere", .doc = "From anywhere" },
          { .name = "--bind-tokens", .field = "grant", .denied = "deny", .gives = "bind_tokens", .is = PAIR, .doc = "Its networks hold for the tokens that it gets for subjects, too" },
          { .name = "--impersonate", .field = "grant", .denied = "deny", .gives = "impersonate", .is = PAIR, .doc = "Tokens for names that its back end gives" },
          { .name = "--act-as-users", .field = "grant", .denied = "deny", .gives = "act_as_users", .is = PAIR, .doc = "Tokens for registered users" },
          { .name = "--uses", .value = "N", .field = "uses", .doc = "For so many tokens more" },
          { .name = "--any-uses", .field = "any_uses", .doc = "For as many tokens as are asked for" },
          { .name = "--limit", .value = "NAME=N", .is = MANY, .doc = "A rate or quota of its own; NAME=-: as its row has it, again" },
          { .name = NULL } },
      .examples = (const struct example[]){
          { "key edit gk7QhTz1aVx2 --network 192.0.2.0/24 --network 2001:db8::/32", "From these two networks alone" },
          { "key edit gk7QhTz1aVx2 --anywhere --no-act-as-users", "From anywhere, and for no registered user any more" },
          { "key edit gk7QhTz1aVx2 --policy read-only --limit key_requests=600", "It may read alone, ten times a second" },
          { NULL, NULL } } },
    { .verb = "usage",
      .doc = "Show how many tokens were asked for with a key, and its uses over REST, by day and result",
      .about = "ok are those that were issued, to who asked or to a gateway that a back end brought the key itself; rest are requests over REST with the "
               "key or its tokens, which gateways tell of every five seconds; the others were refused with that code.",
      .ask = &ask_auth_key_usage,
      .list = "uses", .columns = USES,
      .words = (const struct word[]){
          KEY_ID,
          { .name = "--days", .value = "N", .field = "days", .doc = "In so many days; without it 30" },
          { .name = "--minutes", .value = "N", .field = "minutes", .doc = "Its uses over REST in each of so many minutes" },
          { .name = NULL } },
      .examples = (const struct example[]){
          { "key usage gk7QhTz1aVx2 --days 7", "This week" },
          { "key usage gk7QhTz1aVx2 --minutes 60", "This hour, over REST" },
          { NULL, NULL } } },
    { .verb = "disable",
      .doc = "Refuse a key, its tokens and their sockets, at once, until it is enabled",
      .ask = &ask_auth_key_disable,
      .says = "Key {id} ({name}) is disabled.",
      .words = (const struct word[]){ KEY_ID, { .name = NULL } },
      .examples = (const struct example[]){ { "key disable gk7QhTz1aVx2", "Perhaps it leaked" }, { NULL, NULL } } },
    { .verb = "enable",
      .doc = "Take a disabled key and its tokens again",
      .ask = &ask_auth_key_enable,
      .says = "Key {id} ({name}) is {state}.",
      .words = (const struct word[]){ KEY_ID, { .name = NULL } },
      .examples = (const struct example[]){ { "key enable gk7QhTz1aVx2", "It did not" }, { NULL, NULL } } },
    { .verb = "check",
      .doc = "Say whether keys are written as keys are; no service is asked, and no key is printed",
      .about = "One key a line. Exit status 4: one of them is none. Scripts that look for leaked keys and people who mistyped one need no more.",
      .run = key_check,
      .words = (const struct word[]){
          { .name = "FILE", .value = "FILE", .is = REQUIRED_WORD | A_FILE, .doc = "The keys, or - for standard input" },
          { .name = NULL } },
      .examples = (const struct example[]){
          { "key check orders.key", "Is it whole?" },
          { "key check leaked.txt", "Which of these lines are keys?" },
          { NULL, NULL } } },
    { .verb = "revoke",
      .doc = "End a key and every session of its tokens, at once",
      .ask = &ask_auth_key_revoke,
      .says = "Key {id} ({name}) is revoked.",
      .words = (const struct word[]){ KEY_ID, { .name = NULL } },
      .examples = (const struct example[]){ { "key revoke gk7QhTz1aVx2", "It leaked" }, { NULL, NULL } } },
    { .verb = "rotate",
      .doc = "Give a key a new secret; the former one works until the grace ends",
      .about = "The new key is printed as by key issue. Tokens that the former secret got live out their time.",
      .ask = &ask_auth_key_rotate,
      .print = print_issued,
      .words = (const struct word[]){
          KEY_ID,
          { .name = "--grace", .value = "24h", .field = "grace_s", .is = DURATION, .doc = "How long the former secret still works; without it a day" },
          { .name = NULL } },
      .examples = (const struct example[]){
          { "key rotate gk7QhTz1aVx2 --grace 7d >orders.key", "A week for the back end to change over" },
          { "key rotate gk7QhTz1aVx2 --grace 0", "The former secret ends now" },
          { NULL, NULL } } },
    { .verb = NULL },
};
/* clang-format on */

const struct noun key_noun = {
    .name = "key",
    .doc = "API keys, with which back ends get tokens",
    .about =
        "A key has a policy, networks that it may be used from, and rights: impersonate, tokens for names that its "
        "back "
        "end gives (it has that from the start); act_as_users, tokens for registered users; bind_tokens, its networks "
        "hold for those tokens too, and not only for its own.",
    .commands = COMMANDS,
};
