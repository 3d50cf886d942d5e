/* key_limits.c - --limit NAME=N: rates and quotas of a key's own. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/authctl/key_commands.h"

#define LIMITS_MAX 16 /* proto/auth.def: key_draft.limits, key_edit.limits */

static int take_limit(const struct command_line *line, struct str text, struct key_limit *out)
{
    struct str number = text;

    out->name = str_cut(&number, '=');
    if (out->name.len == 0 || number.len == 0 || out->name.len > 32)
        return usage_error(line, "--limit wants a name and a number, such as key_requests=600");
    out->limit = -1;
    if (str_is(number, "-")) return EXIT_OK;
    if (str_to_int(number, &out->limit) && out->limit >= 0 && out->limit <= 1000000000000000) return EXIT_OK;
    return usage_error(line, "--limit %s wants a number, or - for what its row says", shown_text(out->name));
}

static int take_limits(const struct command_line *line, struct key_limit_list *out)
{
    int status = EXIT_OK;

    out->at = arena_alloc(arena, LIMITS_MAX * sizeof *out->at);
    for (size_t i = 0; i < line->n && status == EXIT_OK; i++) {
        if (!str_is(str_of(line->given[i].word->name), "--limit")) continue;
        if (out->len == LIMITS_MAX) return usage_error(line, "--limit is said more than %d times", LIMITS_MAX);
        status = take_limit(line, line->given[i].value, &out->at[out->len]);
        out->len++;
    }
    return status;
}

int key_take_issue_limits(const struct command_line *line, void *req)
{
    return take_limits(line, &((struct key_draft *)req)->limits);
}

int key_take_edit_limits(const struct command_line *line, void *req)
{
    return take_limits(line, &((struct key_edit *)req)->limits);
}
