/* policy.c - authctl policy ... */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/json.h"
#include "services/auth/authctl/policy.h"

#define FILE_BYTES_MAX (16u << 20)
#define ACTIONS        "connect|emit|subscribe|publish|history|admin"

static void print_part(const char *what, struct str_list list)
{
    if (list.len > 0) printf("  %s %s", what, list_text(list));
}

void policy_print_rule(size_t i, const struct policy_rule *rule)
{
    printf("%3zu  %-5.*s", i, STR_ARG(rule->effect));
    print_part("actions", rule->actions);
    print_part("namespaces", rule->namespaces);
    print_part("events", rule->events);
    print_part("rooms", rule->rooms);
    printf("\n");
}

static void print_policy(const void *req, const void *rep)
{
    const struct policy *policy = rep;

    (void)req;
    printf("%s, version %lld\n", shown_text(policy->name), (long long)policy->version);
    for (size_t i = 0; i < policy->rules.len; i++) policy_print_rule(i, &policy->rules.at[i]);
}

/* A list of rules, or an object as `policy show --json` prints it; the name on the command line holds. */
static enum err read_policy(struct str text, struct str name, struct policy *out, struct wire_error *why)
{
    struct wire_given given = { STR("name"), name };
    struct json_in in;

    json_begin(&in, text, WIRE_MAX_DEPTH);
    if (json_peek(&in) == '[') text = arena_printf(arena, "{\"rules\":%.*s}", STR_ARG(text));
    json_end(&in);
    return wire_read_json_over(policy_shape(), text, (struct wire_given_list){ &given, 1 }, arena, out, why);
}

int policy_from_file(const struct command_line *line, struct str name, struct str file, struct policy *out)
{
    struct wire_error why = { 0 };
    struct buf text;
    int status = file_read(line, file, FILE_BYTES_MAX, &text);

    if (status != EXIT_OK) return status;
    if (read_policy(arena_str(arena, buf_str(&text)), name, out, &why) != OK)
        status = usage_error(line, "%s: %s", shown_text(file), why.text);
    buf_free(&text);
    return status;
}

static int take_rules(const struct command_line *line, void *req)
{
    struct policy *draft = req;

    return policy_from_file(line, draft->name, line_text(line, "FILE"), draft);
}

static void print_verdict(const void *req, const void *rep)
{
    const struct policy_verdict *verdict = rep;

    (void)req;
    printf("%s: %s\n", verdict->allowed ? "allowed" : "denied", shown_text(verdict->reason));
}

static const struct column COLUMNS[] = {
    { "NAME", "name", 32, NULL, NULL },
    { "VERSION", "version", 7, NULL, NULL },
    { "RULES", "rules", 0, NULL, NULL },
    { NULL, NULL, 0, NULL, NULL },
};

#define POLICY_NAME                                                                                                    \
    {                                                                                                                  \
        .name = "NAME", .value = "NAME", .field = "name", .is = REQUIRED_WORD, .doc = "The policy"                     \
    }
#define POLICY_FILE                                                                                                    \
    {                                                                                                                  \
        .name = "FILE", .value = "FILE", .is = REQUIRED_WORD | A_FILE,                                                 \
        .doc = "Its rules as JSON, a list or what policy show --json prints; - for standard input"                     \
    }

/* clang-format off */
static const struct command COMMANDS[] = {
    { .verb = "list",
      .doc = "List all policies",
      .ask = &ask_auth_policy_list,
      .list = "policies", .columns = COLUMNS },
    { .verb = "show",
      .doc = "Show a policy's rules",
      .ask = &ask_auth_policy_get,
      .print = print_policy,
      .words = (const struct word[]){ POLICY_NAME, { .name = NULL } },
      .examples = (const struct example[]){
          { "policy show chat-client", "Its rules, numbered as policy explain names them" },
          { "policy show chat-client --json >chat-client.json", "As policy put takes them" },
          { NULL, NULL } } },
    { .verb = "put",
      .doc = "Make or replace a policy; live sockets obey it at once",
      .about = "A file that says a version replaces that version alone: the change of somebody else, meanwhile, is a conflict.",
      .ask = &ask_auth_policy_put,
      .prepare = take_rules,
      .print = print_policy,
      .words = (const struct word[]){ POLICY_NAME, POLICY_FILE, { .name = NULL } },
      .examples = (const struct example[]){
          { "policy put kiosk kiosk.json", "From a file" },
          { "policy show kiosk --json | jq '.rules += [{effect:\"deny\",rooms:[\"staff\"]}]' | authctl policy put kiosk -", "One rule more" },
          { NULL, NULL } } },
    { .verb = "delete",
      .doc = "Delete a policy that no key and no user has any more",
      .about = "Revoked keys keep their policy, and the policy stays with them: the list of keys says what they could do.",
      .ask = &ask_auth_policy_delete,
      .says = "There is no policy {name} any more.",
      .words = (const struct word[]){ POLICY_NAME, { .name = NULL } },
      .examples = (const struct example[]){ { "policy delete kiosk", "Nobody needs it any more" }, { NULL, NULL } } },
    { .verb = "diff",
      .doc = "Compare a policy with a file, rule by rule; exit status 4: they differ",
      .run = policy_diff_file,
      .words = (const struct word[]){ POLICY_NAME, POLICY_FILE, { .name = NULL } },
      .examples = (const struct example[]){
          { "policy diff kiosk kiosk.json", "What would policy put change? - is there, + is in the file" },
          { NULL, NULL } } },
    { .verb = "test",
      .doc = "Hold policies against a table of expectations; exit status 4: one is not met",
      .about = "The first line of the table names its columns: policy, action and expect (allow or deny), and namespace, event, room, "
               "subject. Words are between blanks, or in quotes; - is nothing, # a comment. If all its policies are given by --rules "
               "nobody is asked, so it runs in a CI without a server.",
      .run = policy_test_file,
      .words = (const struct word[]){
          { .name = "FILE", .value = "FILE", .is = REQUIRED_WORD | A_FILE, .doc = "The table; - for standard input" },
          { .name = "--rules", .value = "NAME=FILE", .is = MANY | A_FILE, .doc = "The policy NAME as it is in FILE, and not as it is there" },
          { .name = NULL } },
      .examples = (const struct example[]){
          { "policy test expectations.txt", "Of the policies that are there" },
          { "policy test expectations.txt --rules kiosk=kiosk.json", "Of what kiosk will be" },
          { NULL, NULL } } },
    { .verb = "explain",
      .doc = "Say which rule decides a case",
      .ask = &ask_auth_policy_explain,
      .print = print_verdict,
      .words = (const struct word[]){
          { .name = "--policy", .value = "NAME", .field = "policy", .is = REQUIRED_WORD, .doc = "The policy" },
          { .name = "--action", .value = "ACTION", .field = "action", .is = REQUIRED_WORD, .choices = ACTIONS, .doc = "What is done" },
          { .name = "--namespace", .value = "/chat", .field = "namespace", .doc = "Where" },
          { .name = "--event", .value = "EVENT", .field = "event", .doc = "With which event, such as message:send" },
          { .name = "--room", .value = "ROOM", .field = "room", .doc = "In which room" },
          { .name = "--subject", .value = "SUBJECT", .field = "subject", .doc = "By whom: what {sub} stands for" },
          { .name = NULL } },
      .examples = (const struct example[]){
          { "policy explain --policy read-only --action emit --namespace /chat --event message:send", "May a reader send?" },
          { NULL, NULL } } },
    { .verb = NULL },
};
/* clang-format on */

const struct noun policy_noun = {
    .name = "policy",
    .doc = "Who may do what: named lists of rules",
    .about = "A deny that fits wins, else an allow that fits, else it is denied. What a rule does not name it fits.",
    .commands = COMMANDS,
};
