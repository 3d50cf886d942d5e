/* key.c - authctl key ... */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "services/auth/authctl/authctl.h"

static const struct question ISSUE = { "key.issue", false, key_draft_shape, key_issued_shape };
static const struct question LIST = { "key.list", true, key_query_shape, key_page_shape };
static const struct question REVOKE = { "key.revoke", true, key_ref_shape, api_key_shape };
static const struct question EDIT = { "key.edit", true, key_edit_shape, api_key_shape };
static const struct question ROTATE = { "key.rotate", false, key_rotation_shape, key_issued_shape };

/* The key alone on standard output, so that it can go into a file or a pipe; all else is for eyes. */
static void print_issued(const struct key_issued *key)
{
    if (!as_json) printf("%.*s\n", STR_ARG(key->key));
    fprintf(stderr, "\nKey %.*s (%.*s), policy %.*s, expires %.*s.\n", STR_ARG(key->id), STR_ARG(key->name),
        STR_ARG(key->policy), STR_ARG(time_text(key->expires_at)));
    if (key->grace_until != 0)
        fprintf(stderr, "The former secret works until %.*s.\n", STR_ARG(time_text(key->grace_until)));
    fprintf(stderr, "Keep it now: it is stored as a hash only and cannot be shown again.\n");
}

int key_issue(const struct command *command, int argc, char **argv)
{
    struct key_draft draft = { .impersonate = true };
    struct key_issued key;
    struct str expires = STR_NONE;
    bool alone = false;
    const struct option_row rows[] = {
        { .name = "--name", .text = &draft.name, .required = true },
        { .name = "--policy", .text = &draft.policy, .required = true },
        { .name = "--expires", .text = &expires },
        { .name = "--network", .many = &draft.networks },
        { .name = "--bind-tokens", .flag = &draft.bind_tokens },
        { .name = "--no-impersonate", .flag = &alone },
        { .name = "--act-as-users", .flag = &draft.act_as_users },
    };
    int status = options_read(command, argc, argv, rows, COUNT(rows));

    if (status != EXIT_OK) return status;
    if (expires.at != NULL && (!duration_read(expires, &draft.expires_in_s) || draft.expires_in_s == 0))
        return usage_error(command, "--expires wants a time such as 90d or 24h, of ten years at most");
    draft.impersonate = !alone;
    status = ask(&ISSUE, &draft, &key);
    if (status == EXIT_OK) print_issued(&key);
    return status;
}

static struct str rights_text(const struct api_key *key)
{
    struct str rights[3];
    struct str_list list = { rights, 0 };

    if (key->impersonate) rights[list.len++] = STR("impersonate");
    if (key->act_as_users) rights[list.len++] = STR("act_as_users");
    if (key->bind_tokens) rights[list.len++] = STR("bind_tokens");
    return list.len > 0 ? list_text(list) : STR("-");
}

static const int widths[] = { 12, 20, 16, 9, 20, 20, 20, 38, 0 };

static void print_key(const struct api_key *key)
{
    struct str created = time_text(key->created_at), expires = time_text(key->expires_at),
               used = time_text(key->last_used_at);
    struct str networks = key->networks.len ? list_text(key->networks) : STR("anywhere");
    const char *cells[] = { arena_cstr(arena, key->id), arena_cstr(arena, key->name), arena_cstr(arena, key->policy),
        arena_cstr(arena, key->state), created.at, expires.at, used.at, rights_text(key).at, networks.at };

    print_row(cells, widths, COUNT(cells));
}

static void print_keys_head(void)
{
    static const char *const cells[] = { "ID", "NAME", "POLICY", "STATE", "CREATED", "EXPIRES", "LAST USED", "RIGHTS",
        "FROM" };

    print_row(cells, widths, COUNT(cells));
}

static void print_key_json(const struct api_key *key, bool first)
{
    struct buf bytes = BUF(65536), json = BUF(65536);

    if (wire_encode(api_key_shape(), key, &bytes) == OK && wire_to_json(api_key_shape(), buf_str(&bytes), &json) == OK)
        printf("%s%.*s", first ? "" : ",", STR_ARG(buf_str(&json)));
    buf_free(&bytes);
    buf_free(&json);
}

static void print_page(const struct key_page *page, bool first)
{
    for (size_t i = 0; i < page->keys.len; i++) {
        if (as_json)
            print_key_json(&page->keys.at[i], first && i == 0);
        else
            print_key(&page->keys.at[i]);
    }
}

/* Printed as they come: nobody knows how many there are. */
int key_list(const struct command *command, int argc, char **argv)
{
    struct key_query query = { STR_NONE };
    struct key_page page = { .more = true };
    int status = options_read(command, argc, argv, NULL, 0);

    for (bool first = true; status == EXIT_OK && page.more; first = false) {
        status = ask_quietly("auth", &LIST, &query, &page);
        if (status != EXIT_OK) break;
        if (first && as_json) printf("{\"keys\":[");
        if (first && !as_json) print_keys_head();
        print_page(&page, first);
        if (page.more) query.after = page.keys.at[page.keys.len - 1].id;
    }
    if (status == EXIT_OK && as_json) printf("]}\n");
    return status;
}

/* Each right as a pair of options. */
static bool take_right(struct key_edit *edit, const char *name, bool granted, bool denied)
{
    if (granted && denied) return false;
    struct str_list *list = granted ? &edit->grant : &edit->deny;
    if (granted || denied) list->at[list->len++] = str_of(name);
    return true;
}

int key_edit(const struct command *command, int argc, char **argv)
{
    struct str granted[3], denied[3];
    struct key_edit edit = { .grant = { granted, 0 }, .deny = { denied, 0 } };
    struct api_key key;
    bool yes[3] = { false }, no[3] = { false };
    const struct option_row rows[] = {
        { .text = &edit.id, .required = true },
        { .name = "--network", .many = &edit.networks },
        { .name = "--anywhere", .flag = &edit.anywhere },
        { .name = "--bind-tokens", .flag = &yes[0] },
        { .name = "--no-bind-tokens", .flag = &no[0] },
        { .name = "--impersonate", .flag = &yes[1] },
        { .name = "--no-impersonate", .flag = &no[1] },
        { .name = "--act-as-users", .flag = &yes[2] },
        { .name = "--no-act-as-users", .flag = &no[2] },
    };
    int status = options_read(command, argc, argv, rows, COUNT(rows));

    if (status != EXIT_OK) return status;
    if (!take_right(&edit, "bind_tokens", yes[0], no[0]) || !take_right(&edit, "impersonate", yes[1], no[1]) ||
        !take_right(&edit, "act_as_users", yes[2], no[2]))
        return usage_error(command, "a right is either granted or denied");
    if (edit.networks.len == 0 && !edit.anywhere && edit.grant.len + edit.deny.len == 0)
        return usage_error(command, "there is nothing to change");
    status = ask(&EDIT, &edit, &key);
    if (status != EXIT_OK || as_json) return status;
    print_keys_head();
    print_key(&key);
    return EXIT_OK;
}

int key_revoke(const struct command *command, int argc, char **argv)
{
    struct key_ref ref = { STR_NONE };
    struct api_key key;
    const struct option_row rows[] = { { .text = &ref.id, .required = true } };
    int status = options_read(command, argc, argv, rows, COUNT(rows));

    if (status == EXIT_OK) status = ask(&REVOKE, &ref, &key);
    if (status == EXIT_OK && !as_json) printf("Key %.*s (%.*s) is revoked.\n", STR_ARG(key.id), STR_ARG(key.name));
    return status;
}

int key_rotate(const struct command *command, int argc, char **argv)
{
    struct key_rotation rotation = { .grace_s = 86400 };
    struct key_issued key;
    struct str grace = STR_NONE;
    const struct option_row rows[] = { { .text = &rotation.id, .required = true },
        { .name = "--grace", .text = &grace } };
    int status = options_read(command, argc, argv, rows, COUNT(rows));

    if (status != EXIT_OK) return status;
    if (grace.at != NULL && (!duration_read(grace, &rotation.grace_s) || rotation.grace_s > 90 * 86400))
        return usage_error(command, "--grace wants a time such as 24h or 0, of 90 days at most");
    status = ask(&ROTATE, &rotation, &key);
    if (status == EXIT_OK) print_issued(&key);
    return status;
}
