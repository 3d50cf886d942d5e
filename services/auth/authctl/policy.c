/* policy.c - authctl policy ... */
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libshared/wire/json.h"
#include "services/auth/authctl/authctl.h"

#define FILE_BYTES_MAX (16u << 20)

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

static bool read_file(struct str file, struct buf *out)
{
    FILE *from = str_is(file, "-") ? stdin : fopen(arena_cstr(arena, file), "r");
    char bytes[4096];
    size_t n;

    if (from == NULL) return false;
    while (!out->over && (n = fread(bytes, 1, sizeof bytes, from)) > 0) buf_add(out, bytes, n);
    bool good = ferror(from) == 0;
    if (from != stdin) fclose(from);
    return good;
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

int policy_put(const struct command *command, int argc, char **argv)
{
    struct str name = STR_NONE, file = STR_NONE;
    const struct option_row rows[] = { { .text = &name, .required = true }, { .text = &file, .required = true } };
    struct buf text = BUF(FILE_BYTES_MAX);
    struct wire_error why = { 0 };
    struct policy draft, policy;
    int status = options_read(command, argc, argv, rows, COUNT(rows));

    if (status != EXIT_OK) return status;
    if (!read_file(file, &text) || text.over)
        status = usage_error(command, "%.*s: %s", STR_ARG(file), text.over ? "too large" : strerror(errno));
    else if (read_policy(buf_str(&text), name, &draft, &why) != OK)
        status = usage_error(command, "%.*s: %s", STR_ARG(file), why.text);
    else
        status = ask(&PUT, &draft, &policy);
    buf_free(&text);
    if (status == EXIT_OK && !as_json) print_policy(&policy);
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
