/* policy.c - authctl policy ... */
// SPDX-License-Identifier: Apache-2.0
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "services/auth/authctl/authctl.h"

static const struct question LIST = { "policy.list", true, nothing_shape, policy_page_shape };
static const struct question SHOW = { "policy.get", true, policy_ref_shape, policy_shape };
static const struct question PUT = { "policy.put", true, policy_shape, policy_shape };
static const struct question EXPLAIN = { "policy.explain", true, policy_case_shape, policy_verdict_shape };

int policy_list(const struct command *command, int argc, char **argv)
{
    struct nothing nothing;
    struct policy_page page;
    int status = options_read(command, argc, argv, NULL, 0);

    if (status == EXIT_OK) status = ask(&LIST, &nothing, &page);
    if (status != EXIT_OK || as_json) return status;
    printf("%-32s  %7s  %s\n", "NAME", "VERSION", "RULES");
    for (size_t i = 0; i < page.policies.len; i++) {
        const struct policy *p = &page.policies.at[i];
        printf("%-32.*s  %7lld  %zu\n", STR_ARG(p->name), (long long)p->version, p->rules.len);
    }
    return EXIT_OK;
}

static void print_part(const char *what, struct str_list list)
{
    if (list.len > 0) printf("  %s %.*s", what, STR_ARG(list_text(list)));
}

static void print_policy(const struct policy *policy)
{
    printf("%.*s, version %lld\n", STR_ARG(policy->name), (long long)policy->version);
    for (size_t i = 0; i < policy->rules.len; i++) {
        const struct policy_rule *rule = &policy->rules.at[i];
        printf("%3zu  %-5.*s", i, STR_ARG(rule->effect));
        print_part("actions", rule->actions);
        print_part("namespaces", rule->namespaces);
        print_part("events", rule->events);
        print_part("rooms", rule->rooms);
        printf("\n");
    }
}

int policy_show(const struct command *command, int argc, char **argv)
{
    struct policy_ref ref = { STR_NONE };
    struct policy policy;
    const struct option_row rows[] = { { .text = &ref.name, .required = true } };
    int status = options_read(command, argc, argv, rows, COUNT(rows));

    if (status == EXIT_OK) status = ask(&SHOW, &ref, &policy);
    if (status == EXIT_OK && !as_json) print_policy(&policy);
    return status;
}

/* A list of rules, or an object as `policy show --json` prints it; the name on the command line holds. */
static json_t *read_policy(struct str file, struct str name, json_error_t *error)
{
    json_t *json = str_is(file, "-") ? json_loadf(stdin, 0, error) : json_load_file(arena_cstr(arena, file), 0, error);

    if (json_is_array(json)) json = json_pack("{so}", "rules", json);
    if (json_is_object(json)) json_object_set_new(json, "name", json_stringn(name.at, name.len));
    return json;
}

static int put(const struct command *command, json_t *json)
{
    struct buf bytes = BUF(4u << 20);
    struct wire_error why = { 0 };
    struct policy policy;
    char *text = json_dumps(json, JSON_COMPACT);
    enum err e = wire_from_json(policy_shape(), str_of(text), &bytes, &why);

    free(text);
    int status = e == OK ? ask_bytes(&PUT, buf_str(&bytes), &policy) : usage_error(command, "%s", why.text);
    buf_free(&bytes);
    if (status == EXIT_OK && !as_json) print_policy(&policy);
    return status;
}

int policy_put(const struct command *command, int argc, char **argv)
{
    struct str name = STR_NONE, file = STR_NONE;
    const struct option_row rows[] = { { .text = &name, .required = true }, { .text = &file, .required = true } };
    json_error_t error;
    int status = options_read(command, argc, argv, rows, COUNT(rows));

    if (status != EXIT_OK) return status;
    json_t *json = read_policy(file, name, &error);
    if (json == NULL) return usage_error(command, "%.*s, line %d: %s", STR_ARG(file), error.line, error.text);
    status = put(command, json);
    json_decref(json);
    return status;
}

int policy_explain(const struct command *command, int argc, char **argv)
{
    struct policy_case req = { .policy = STR_NONE };
    struct policy_verdict verdict;
    const struct option_row rows[] = {
        { .name = "--policy", .text = &req.policy, .required = true },
        { .name = "--namespace", .text = &req.namespace },
        { .name = "--event", .text = &req.event },
        { .name = "--room", .text = &req.room },
        { .name = "--action", .text = &req.action, .required = true },
        { .name = "--subject", .text = &req.subject },
    };
    int status = options_read(command, argc, argv, rows, COUNT(rows));

    if (status == EXIT_OK) status = ask(&EXPLAIN, &req, &verdict);
    if (status == EXIT_OK && !as_json)
        printf("%s: %.*s\n", verdict.allowed ? "allowed" : "denied", STR_ARG(verdict.reason));
    return status;
}
