/* main.c - authctl, the operator's hand on keys, policies and quotas. */
// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "libshared/base/log.h"
#include "libshared/service/settings.h"
#include "services/auth/authctl/authctl.h"

static const struct command commands[] = {
    { "key", "issue", key_issue,
        "--name NAME --policy POLICY [--expires 90d] [--network CIDR]... [--bind-tokens] [--no-impersonate] "
        "[--act-as-users]",
        "Issue an API key; it is printed once, and cannot be shown again" },
    { "key", "list", key_list, "", "List all keys" },
    { "key", "edit", key_edit,
        "ID [--network CIDR]... [--anywhere] [--[no-]bind-tokens] [--[no-]impersonate] [--[no-]act-as-users]",
        "Change a key's networks and rights; live sockets obey at once" },
    { "key", "revoke", key_revoke, "ID", "End a key and every session of its tokens, at once" },
    { "key", "rotate", key_rotate, "ID [--grace 24h]",
        "Give a key a new secret; the former one works until the grace ends" },
    { "subject", "logout", subject_logout, "SUBJECT",
        "End all tokens of a subject that were issued up to now, and every socket of theirs, at once" },
    { "session", "logout", session_logout, "SID",
        "End the tokens of one session, the sid of a token, and every socket of theirs, at once" },
    { "policy", "list", policy_list, "", "List all policies" },
    { "policy", "show", policy_show, "NAME", "Show a policy's rules" },
    { "policy", "put", policy_put, "NAME FILE",
        "Make or replace a policy from JSON rules in FILE, or - for standard input" },
    { "policy", "explain", policy_explain,
        "--policy NAME --action ACTION [--namespace /chat] [--event message:send] [--room ROOM] [--subject SUBJECT]",
        "Say which rule decides a case; actions: connect, emit, subscribe, publish, history, admin" },
    { "quota", "list", quota_list, "", "List all rates and quotas, and where they were changed" },
    { "quota", "show", quota_show, "SUBJECT [--key ID]",
        "Show how much of each quota a subject uses, and what may be; with the key of its tokens, if that has limits "
        "of its own" },
    { "quota", "set", quota_set, "NAME LIMIT --subject SUBJECT | --key ID | --default",
        "Change a rate or quota for a subject, for a key and each subject of its tokens, or for all; it holds at "
        "once" },
    { "quota", "unset", quota_unset, "NAME --subject SUBJECT | --key ID | --default", "Let its row hold again" },
};

static void print_help(FILE *out)
{
    fprintf(out, "authctl - API keys, policies, rates and quotas\n\n");
    for (size_t i = 0; i < COUNT(commands); i++)
        fprintf(out, "  authctl %s %s %s\n      %s\n", commands[i].noun, commands[i].verb, commands[i].usage,
            commands[i].doc);
    fprintf(out,
        "\nRights of a key: impersonate, tokens for names that its back end gives (it has that from the start);\n"
        "act_as_users, tokens for registered users; bind_tokens, its networks hold for those tokens too, and not only\n"
        "for its own.\n"
        "A time is 90d, 24h, 30m or 45s; a number alone is seconds.\n"
        "Every command takes --json and --help.  Exit status: 0 done, 1 refused, 2 wrong usage, 3 unreachable.\n"
        "Settings (environment): MADANG_AUTH_URL, for quota show MADANG_CHAT_URL and MADANG_SHARE_URL, MADANG_KEY_DIR "
        "(which holds authctl.key_secret), "
        "MADANG_CALL_BUDGET_MS.\n");
}

static const struct command *find_command(const char *noun, const char *verb)
{
    for (size_t i = 0; i < COUNT(commands); i++)
        if (strcmp(commands[i].noun, noun) == 0 && strcmp(commands[i].verb, verb) == 0) return &commands[i];
    return NULL;
}

static bool wants_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

int main(int argc, char **argv)
{
    if (argc >= 2 && (wants_help(argv[1]) || (argc >= 3 && wants_help(argv[2])))) {
        print_help(stdout);
        return EXIT_OK;
    }
    const struct command *command = argc >= 3 ? find_command(argv[1], argv[2]) : NULL;
    if (command == NULL) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    log_init("authctl", (enum log_level)(LOG_ERROR + 1)); /* standard output is for the answer alone */
    signal(SIGPIPE, SIG_IGN);
    /* bound: one answer; the decoder asks */
    arena = arena_create("authctl", 256u << 20);
    int status = command->run(command, argc - 3, argv + 3);
    arena_destroy(&arena);
    return fflush(stdout) == 0 ? status : EXIT_REFUSED;
}
