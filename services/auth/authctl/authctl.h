/* authctl.h - what the files of authctl share: options, the question to auth, output, exit codes. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/records.h"

enum { EXIT_OK = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_UNREACHABLE = 3 };

struct command {
    const char *noun, *verb;
    int (*run)(const struct command *command, int argc, char **argv); /* what follows the verb; an exit code */
    const char *usage, *doc;
};

int key_issue(const struct command *command, int argc, char **argv);
int key_list(const struct command *command, int argc, char **argv);
int key_edit(const struct command *command, int argc, char **argv);
int key_revoke(const struct command *command, int argc, char **argv);
int key_rotate(const struct command *command, int argc, char **argv);
int subject_logout(const struct command *command, int argc, char **argv);
int session_logout(const struct command *command, int argc, char **argv);
int policy_list(const struct command *command, int argc, char **argv);
int policy_show(const struct command *command, int argc, char **argv);
int policy_put(const struct command *command, int argc, char **argv);
int quota_list(const struct command *command, int argc, char **argv);
int quota_show(const struct command *command, int argc, char **argv);
int quota_set(const struct command *command, int argc, char **argv);
int quota_unset(const struct command *command, int argc, char **argv);
int policy_explain(const struct command *command, int argc, char **argv);

/* options.c: one of text, flag, many; name NULL is the next word without dashes. */
struct option_row {
    const char *name;
    struct str *text;
    bool *flag;
    struct str_list *many;
    bool required;
};
extern bool as_json;        /* --json, which every command takes */
extern struct arena *arena; /* lives as long as the program */
/* EXIT_OK, or it has said what is wrong.  --help prints and exits. */
int options_read(const struct command *command, int argc, char **argv, const struct option_row *rows, size_t n);
int usage_error(const struct command *command, const char *fmt, ...) PRINTF_LIKE(2, 3);
void usage_print(const struct command *command);
/* "90d", "24h", "30m", "45s", "45": seconds. */
bool duration_read(struct str text, int64_t *seconds);

/* ask.c */
struct question {
    const char *method;
    bool safe;
    const struct wire_shape *(*in)(void), *(*out)(void);
};
/* An exit code.  EXIT_OK: rep is the reply, which --json has printed already; else it has said why. */
int ask(const struct question *question, const void *req, void *rep);
int ask_bytes(const struct question *question, struct str body, void *rep);
/* The same of another service, too, and --json prints nothing yet. */
int ask_quietly(const char *service, const struct question *question, const void *req, void *rep);

/* print.c */
void print_row(const char *const *cells, const int *widths, size_t n);
struct str time_text(int64_t ms);           /* 2026-01-02 03:04 UTC; "-" for none */
struct str list_text(struct str_list list); /* a, b, c */
