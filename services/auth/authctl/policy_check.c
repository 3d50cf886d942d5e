/* policy_check.c - authctl policy test, authctl policy diff: what a CI asks of policies. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "services/auth/authctl/policy.h"
#include "services/auth/policies/policy_table.h"
#include "services/auth/policies/policy_trial.h"

#define TABLE_BYTES_MAX (4u << 20)
#define RULES_MAX       64 /* proto/auth.def: policy */

/* --- test --- */

/* "NAME=FILE", of each --rules. */
static int take_drafts(const struct command_line *line, struct policy_list *out)
{
    out->at = arena_alloc(arena, COUNT(line->given) * sizeof *out->at);
    for (size_t i = 0; i < line->n; i++) {
        if (strcmp(line->given[i].word->name, "--rules") != 0) continue;
        struct str file = line->given[i].value, name = str_cut(&file, '=');
        if (file.len == 0 || name.len == 0) return usage_error(line, "--rules wants NAME=FILE");
        int status = policy_from_file(line, name, file, &out->at[out->len++]);
        if (status != EXIT_OK) return status;
    }
    return EXIT_OK;
}

static bool is_draft(const struct policy_list *drafts, struct str name)
{
    for (size_t i = 0; i < drafts->len; i++)
        if (str_eq(drafts->at[i].name, name)) return true;
    return false;
}

static bool needs_nobody(const struct policy_trial *trial)
{
    for (size_t i = 0; i < trial->cases.len; i++)
        if (!is_draft(&trial->policies, trial->cases.at[i].policy)) return false;
    return true;
}

/* A CI that has all the policies in files asks no server. */
static int run_trial(const struct command_line *line, const struct policy_trial *trial, struct policy_outcome *out)
{
    struct wire_error why = { 0 };

    if (!needs_nobody(trial)) return call_method(&ask_auth_policy_test, trial, out);
    if (policy_try(arena, trial, &(struct policy_list){ 0 }, out, &why) == OK) return EXIT_OK;
    return usage_error(line, "%s", why.text);
}

static void print_miss(const struct policy_trial *trial, const int64_t *lines, const struct policy_miss *miss)
{
    const struct policy_expectation *c = &trial->cases.at[miss->number - 1];
    const char *by = miss->rule < 0 ? "no rule fits" : text_printf("rule %lld", (long long)miss->rule);

    printf("line %lld: %s %s", (long long)lines[miss->number - 1], shown_text(c->policy), shown_text(c->action));
    if (c->namespace.len > 0) printf(" %s", shown_text(c->namespace));
    if (c->event.len > 0) printf(" %s", shown_text(c->event));
    if (c->room.len > 0) printf(" room %s", shown_text(c->room));
    if (c->subject.len > 0) printf(" subject %s", shown_text(c->subject));
    printf(": expected %s, and it is %s (%s)\n", shown_text(c->expect), miss->allowed ? "allowed" : "denied", by);
}

int policy_test_file(const struct command_line *line)
{
    struct policy_trial trial = { .cases = { 0 } };
    struct policy_outcome outcome = { .met = 0 };
    struct wire_error why = { 0 };
    const int64_t *lines;
    struct buf text;
    int status = line_file(line, "FILE", TABLE_BYTES_MAX, &text);

    if (status != EXIT_OK) return status;
    if (policy_table_read(arena, arena_str(arena, buf_str(&text)), &trial, &lines, &why) != OK)
        status = usage_error(line, "%s: %s", shown_text(line_text(line, "FILE")), why.text);
    buf_free(&text);
    if (status == EXIT_OK) status = take_drafts(line, &trial.policies);
    if (status == EXIT_OK) status = run_trial(line, &trial, &outcome);
    if (status != EXIT_OK) return status;
    for (size_t i = 0; !as_json && i < outcome.missed.len; i++) print_miss(&trial, lines, &outcome.missed.at[i]);
    if (as_json)
        print_json(policy_outcome_shape(), &outcome);
    else
        printf("%lld met, %zu missed\n", (long long)outcome.met, outcome.missed.len);
    return outcome.missed.len > 0 ? EXIT_MISSED : EXIT_OK;
}

/* --- diff --- */

static bool same_rule(const struct policy_rule *a, const struct policy_rule *b)
{
    struct buf x = BUF(1u << 20), y = BUF(1u << 20);
    bool same = wire_encode(policy_rule_shape(), a, &x) == OK && wire_encode(policy_rule_shape(), b, &y) == OK &&
                str_eq(buf_str(&x), buf_str(&y));

    buf_free(&x);
    buf_free(&y);
    return same;
}

/* The longest list of rules that both have, in their order: [i][j] how long it is from rules i and j on. */
struct common {
    unsigned char length[RULES_MAX + 1][RULES_MAX + 1];
    bool same[RULES_MAX][RULES_MAX];
};

static void find_common(const struct policy_rule_list *there, const struct policy_rule_list *here, struct common *out)
{
    for (size_t i = there->len; i-- > 0;)
        for (size_t j = here->len; j-- > 0;) {
            unsigned char below = out->length[i + 1][j], beside = out->length[i][j + 1];
            out->same[i][j] = same_rule(&there->at[i], &here->at[j]);
            out->length[i][j] = out->same[i][j]   ? (unsigned char)(out->length[i + 1][j + 1] + 1)
                                : below >= beside ? below
                                                  : beside;
        }
}

/* A line for each rule: what is there alone `-`, what is in the file alone `+`. */
static void print_rules(
    const struct policy_rule_list *there, const struct policy_rule_list *here, const struct common *common)
{
    size_t i = 0, j = 0;

    while (i < there->len || j < here->len) {
        if (i < there->len && j < here->len && common->same[i][j]) {
            printf("  ");
            policy_print_rule(i++, &here->at[j++]);
        } else if (i < there->len && (j == here->len || common->length[i + 1][j] >= common->length[i][j + 1])) {
            printf("- ");
            policy_print_rule(i, &there->at[i]);
            i++;
        } else {
            printf("+ ");
            policy_print_rule(j, &here->at[j]);
            j++;
        }
    }
}

static void print_part_json(
    const char *name, const struct policy_rule_list *rules, const struct common *common, bool is_there, size_t n_other)
{
    bool first = true;

    printf("\"%s\":[", name);
    for (size_t i = 0; i < rules->len; i++) {
        bool shared = false;
        for (size_t k = 0; k < n_other; k++) shared |= is_there ? common->same[i][k] : common->same[k][i];
        if (shared) continue;
        printf("%s", first ? "" : ",");
        put_record_json(policy_rule_shape(), &rules->at[i]);
        first = false;
    }
    printf("]");
}

static int print_difference(const struct policy *there, const struct policy *here)
{
    struct common *common = arena_zero(arena, sizeof *common);

    find_common(&there->rules, &here->rules, common);
    bool same = there->rules.len == here->rules.len && common->length[0][0] == here->rules.len;
    if (as_json) {
        printf("{\"same\":%s,\"version\":%lld,", same ? "true" : "false", (long long)there->version);
        print_part_json("there", &there->rules, common, true, here->rules.len);
        printf(",");
        print_part_json("here", &here->rules, common, false, there->rules.len);
        printf("}\n");
    } else if (same) {
        printf("%s, version %lld, is as the file.\n", shown_text(there->name), (long long)there->version);
    } else {
        printf("%s, version %lld, and the file:\n", shown_text(there->name), (long long)there->version);
        print_rules(&there->rules, &here->rules, common);
    }
    return same ? EXIT_OK : EXIT_MISSED;
}

int policy_diff_file(const struct command_line *line)
{
    struct policy_ref ref = { line_text(line, "NAME") };
    struct policy there, here;
    int status = policy_from_file(line, ref.name, line_text(line, "FILE"), &here);

    if (status == EXIT_OK) status = call_method(&ask_auth_policy_get, &ref, &there);
    return status == EXIT_OK ? print_difference(&there, &here) : status;
}
