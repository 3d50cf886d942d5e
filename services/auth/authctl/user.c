/* user.c - authctl user ... */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/wire/json_text.h"
#include "services/auth/authctl/authctl.h"

/* The link alone on standard output; a mailed one is in the mail alone. */
static void print_invitation(const void *req, const void *rep)
{
    const struct invitation_draft *draft = req;
    const struct invitation *made = rep;

    if (made->url.len > 0) printf("%.*s\n", STR_ARG(made->url));
    if (made->url.len == 0) fprintf(stderr, "A mail to %s is on its way. ", shown_text(draft->email));
    fprintf(stderr, "The invitation is good until %s, once.\n", time_text(made->expires_at));
}

/* --- import --- */

#define IMPORT_BYTES_MAX (256u << 20)
#define BATCH            200
#define BATCH_BYTES      600000

struct import {
    struct people_draft drafts[BATCH];
    size_t line[BATCH], n, bytes; /* of the batch: which lines they are */
    size_t lines, taken;          /* of all */
    bool began;
};

static void report_line(struct import *import, size_t line, const char *code, struct str message)
{
    struct buf json = BUF(4096);

    if (strcmp(code, "ok") == 0) import->taken++;
    if (as_json) {
        buf_printf(&json, "%s{\"line\":%zu,\"code\":\"%s\"", import->began ? ",\n " : "", line, code);
        if (message.len > 0) {
            buf_add_str(&json, STR(",\"message\":"));
            json_put_text(&json, message);
        }
        printf("%.*s}", STR_ARG(buf_str(&json)));
        import->began = true;
    } else if (strcmp(code, "ok") != 0) {
        printf("line %zu: %s: %s\n", line, code, shown_text(message));
    }
    buf_free(&json);
}

static int send_batch(struct import *import)
{
    struct people_batch batch = { .users = { import->drafts, import->n } };
    struct people_report report;

    if (import->n == 0) return EXIT_OK;
    int status = call_method(&ask_auth_people_import, &batch, &report);
    for (size_t i = 0; status == EXIT_OK && i < report.results.len; i++)
        report_line(
            import, import->line[i], arena_cstr(arena, report.results.at[i].code), report.results.at[i].message);
    import->n = import->bytes = 0;
    return status;
}

static int take_line(struct import *import, struct str text)
{
    struct people_draft *draft = &import->drafts[import->n];
    struct wire_error why = { 0 };

    if (str_trim(text).len == 0) return EXIT_OK;
    *draft = (struct people_draft){ .created_at = 0 };
    enum err e = wire_read_json(people_draft_shape(), text, arena, draft, &why);
    if (e != OK) {
        report_line(import, import->lines, err_code(e), arena_str(arena, str_of(why.text)));
        return EXIT_OK;
    }
    import->line[import->n++] = import->lines;
    import->bytes += text.len;
    return import->n == BATCH || import->bytes > BATCH_BYTES ? send_batch(import) : EXIT_OK;
}

/* EXIT_MISSED: some lines were refused. */
static int import_users(const struct command_line *line)
{
    struct import *import = arena_zero(arena, sizeof *import);
    struct buf text;
    int status = line_file(line, "FILE", IMPORT_BYTES_MAX, &text);

    if (status != EXIT_OK) return status;
    struct str rest = buf_str(&text);
    if (as_json) printf("{\"lines\":[");
    while (status == EXIT_OK && rest.at != NULL && rest.len > 0) {
        import->lines++;
        status = take_line(import, str_cut(&rest, '\n'));
    }
    if (status == EXIT_OK) status = send_batch(import);
    if (as_json) printf("]}\n");
    fprintf(stderr, "%zu lines, %zu users are there now.\n", import->lines, import->taken);
    buf_free(&text);
    return status == EXIT_OK && import->taken < import->lines ? EXIT_MISSED : status;
}

static const struct column USERS[] = {
    { "ID", "id", 36, NULL, NULL },
    { "NICKNAME", "nickname", 20, NULL, NULL },
    { "E-MAIL", "email", 30, NULL, NULL },
    { "STATE", "state", 8, NULL, NULL },
    { "POLICY", "policy", 14, NULL, NULL },
    { "SESSIONS", "sessions", 8, NULL, NULL },
    { "LAST SEEN", "last_seen_at", 0, NULL, NULL },
    { NULL, NULL, 0, NULL, NULL },
};

static const struct column SESSIONS[] = {
    { "ID", "id", 36, NULL, NULL },
    { "METHODS", "methods", 14, NULL, NULL },
    { "ADDRESS", "address", 20, NULL, NULL },
    { "REFRESHED", "refreshed_at", 20, NULL, NULL },
    { "DEVICE", "device", 0, NULL, NULL },
    { NULL, NULL, 0, NULL, NULL },
};

/* --- what was erased --- */

static const char *counts_text(const void *record)
{
    const struct erasure_line *line = record;
    const char *text = line->erased_at > 0 ? "nothing was there" : "waiting";

    for (size_t i = 0; i < line->counts.len; i++)
        text = text_printf("%s%s%lld %s", i > 0 ? text : "", i > 0 ? ", " : "", (long long)line->counts.at[i].rows,
            shown_text(line->counts.at[i].what));
    return text;
}

static const struct column ERASURE[] = {
    { "SERVICE", "service", 8, NULL, NULL },
    { "ERASED", "erased_at", 20, NULL, NULL },
    { "WHAT", NULL, 0, NULL, counts_text },
    { NULL, NULL, 0, NULL, NULL },
};

/* EXIT_MISSED: some services have not said yet that nothing is left. */
static int report_erasure(const struct command_line *line)
{
    struct erasure_proof proof;
    void *req;
    int status = request_make(line, erased_ref_shape(), &req);

    if (status == EXIT_OK) status = call_method(&ask_auth_people_erasure, req, &proof);
    if (status != EXIT_OK) return status;
    if (as_json)
        print_json(erasure_proof_shape(), &proof);
    else
        print_head(ERASURE);
    for (size_t i = 0; !as_json && i < proof.services.len; i++)
        print_line(ERASURE, erasure_line_shape(), &proof.services.at[i]);
    return proof.whole ? EXIT_OK : EXIT_MISSED;
}

/* The link alone on standard output; a mailed one is in the mail alone. */
static void print_reset(const void *req, const void *rep)
{
    const struct reset_link *link = rep;

    (void)req;
    if (link->url.len > 0) printf("%.*s\n", STR_ARG(link->url));
    if (link->url.len == 0) fprintf(stderr, "A mail to %s is on its way. ", shown_text(link->user->email));
    fprintf(stderr, "The link is good until %s, once.\n", time_text(link->expires_at));
}

#define USER                                                                                                           \
    {                                                                                                                  \
        .name = "USER", .value = "USER", .field = "user", .is = REQUIRED_WORD, .doc = "Id, e-mail or nickname"         \
    }

/* clang-format off */
static const struct command COMMANDS[] = {
    { .verb = "invite",
      .doc = "Invite somebody to register: by mail, or with a link that is printed once",
      .about = "With an address and a mail server the link is mailed, and whoever registers with it from that address has proved it. "
               "Without, it is printed, and whoever has it may register.",
      .ask = &ask_auth_invitation_create,
      .print = print_invitation,
      .words = (const struct word[]){
          { .name = "EMAIL", .value = "EMAIL", .field = "email", .doc = "Where it is sent; without it the link is printed" },
          { .name = "--policy", .value = "POLICY", .field = "policy", .doc = "The policy that the new user has; without it, member" },
          { .name = "--expires", .value = "7d", .field = "life_s", .is = DURATION, .least = 60, .doc = "It is good for so long, 30 days at most; without it, a week" },
          { .name = "--locale", .value = "ko|en", .field = "locale", .choices = "ko|en", .doc = "The language of the mail; without it, English" },
          { .name = NULL } },
      .examples = (const struct example[]){
          { "user invite ada@example.org --locale ko", "By mail, in Korean" },
          { "user invite --policy admin --expires 1h", "A first administrator: whoever opens the link that is printed" },
          { NULL, NULL } } },
    { .verb = "list",
      .doc = "List users, the newest first",
      .ask = &ask_auth_people_list,
      .pages = true, .list = "users", .columns = USERS,
      .words = (const struct word[]){
          { .name = "--state", .value = "STATE", .field = "state", .choices = "active|disabled|leaving", .doc = "Those in this state" },
          { .name = "--like", .value = "TEXT", .field = "like", .doc = "Whose e-mail or nickname begins like this, in any case of letters" },
          { .name = "--policy", .value = "POLICY", .field = "policy", .doc = "Whom it bounds" },
          { .name = NULL } },
      .examples = (const struct example[]){ { "user list --like ada", "Find somebody" }, { "user list --policy admin", "The administrators" }, { "user list --state leaving", "Who is about to be deleted" }, { NULL, NULL } } },
    { .verb = "show",
      .doc = "Show a user",
      .ask = &ask_auth_people_show,
      .columns = USERS,
      .words = (const struct word[]){ USER, { .name = NULL } },
      .examples = (const struct example[]){ { "user show ada@example.org --json", "All that is known" }, { NULL, NULL } } },
    { .verb = "create",
      .doc = "Make a user",
      .about = "Without a password they sign in by a link that is mailed, or set one with it.",
      .ask = &ask_auth_people_create,
      .says = "User {nickname} is {id}.",
      .words = (const struct word[]){
          { .name = "NICKNAME", .value = "NICKNAME", .field = "nickname", .is = REQUIRED_WORD, .doc = "The handle" },
          { .name = "--email", .value = "EMAIL", .field = "email", .doc = "Where they are written to" },
          { .name = "--verified", .field = "email_verified", .doc = "It is known to be theirs" },
          { .name = "--name", .value = "NAME", .field = "name", .doc = "A name to show" },
          { .name = "--locale", .value = "ko|en", .field = "locale", .choices = "ko|en", .doc = "The language that they are written to in; without it, English" },
          { .name = "--policy", .value = "POLICY", .field = "policy", .doc = "The policy that bounds them; without it, member" },
          { .name = "--id", .value = "UUID", .field = "id", .doc = "The id that they have elsewhere" },
          { .name = NULL } },
      .examples = (const struct example[]){ { "user create ada --email ada@example.org --verified", "Who sets a password by a mailed link" }, { NULL, NULL } } },
    { .verb = "import",
      .doc = "Take users from another system, with the ids and password hashes that they had there",
      .about = "A line of JSON each: id, nickname, and what else is known of email, email_verified, name, locale, policy, password_hash "
               "($2a$, $2b$ or $y$) and created_at (milliseconds). Each line for itself; the same file again changes nothing. With exit "
               "status 4 some were refused, and the report says why.",
      .run = import_users,
      .words = (const struct word[]){
          { .name = "FILE", .value = "FILE", .is = REQUIRED_WORD | A_FILE, .doc = "A file, or - for standard input" },
          { .name = NULL } },
      .examples = (const struct example[]){ { "user import users.ndjson", "Senders of old messages keep their ids" }, { NULL, NULL } } },
    { .verb = "disable",
      .doc = "Disable a user: sessions, tokens and sockets end at once",
      .ask = &ask_auth_people_disable,
      .says = "User {nickname} is disabled.",
      .words = (const struct word[]){ USER, { .name = NULL } },
      .examples = (const struct example[]){ { "user disable ada", "Nobody gets in as ada until `user enable`" }, { NULL, NULL } } },
    { .verb = "enable",
      .doc = "Let a user in again, who was disabled or about to be deleted",
      .ask = &ask_auth_people_enable,
      .says = "User {nickname} may sign in.",
      .words = (const struct word[]){ USER, { .name = NULL } },
      .examples = (const struct example[]){ { "user enable ada", "As before" }, { NULL, NULL } } },
    { .verb = "delete",
      .doc = "Delete a user, as they could themselves: unusable at once, erased in 14 days",
      .ask = &ask_auth_people_delete,
      .says = "User {nickname} is deleted at {delete_at}.",
      .words = (const struct word[]){ USER, { .name = NULL } },
      .examples = (const struct example[]){ { "user delete ada", "`user enable` takes it back until then" }, { NULL, NULL } } },
    { .verb = "erase-report",
      .doc = "Show what was erased of somebody who was a user, by which service and when",
      .about = "Each service erases its part some time after the account is, and says so when nothing is left. Until all have, the exit "
               "status is 4. An account is gone by then, so it is named by its id, which `user delete --json` shows.",
      .run = report_erasure,
      .words = (const struct word[]){
          { .name = "ID", .value = "ID", .field = "user", .is = REQUIRED_WORD, .doc = "The id that they had" },
          { .name = NULL } },
      .examples = (const struct example[]){ { "user erase-report 01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2", "That nothing is left of somebody" }, { NULL, NULL } } },
    { .verb = "sessions",
      .doc = "List a user's sessions",
      .ask = &ask_auth_people_sessions,
      .list = "sessions", .columns = SESSIONS,
      .words = (const struct word[]){ USER, { .name = NULL } },
      .examples = (const struct example[]){ { "user sessions ada", "Where ada is signed in; `session logout ID` ends one" }, { NULL, NULL } } },
    { .verb = "logout",
      .doc = "End all sessions of a user, and their sockets",
      .ask = &ask_auth_people_logout,
      .says = "User {nickname} is signed out everywhere.",
      .words = (const struct word[]){ USER, { .name = NULL } },
      .examples = (const struct example[]){ { "user logout ada", "A laptop was lost" }, { NULL, NULL } } },
    { .verb = "reset-password",
      .doc = "Let a user set another password: by a mail, or with a link that is printed once",
      .ask = &ask_auth_people_reset_password,
      .print = print_reset,
      .words = (const struct word[]){ USER, { .name = NULL } },
      .examples = (const struct example[]){ { "user reset-password ada", "The present one stays good until then" }, { NULL, NULL } } },
    { .verb = "set-policy",
      .doc = "Bound a user by another policy; live sockets obey it with their next token, which they need at once",
      .ask = &ask_auth_people_set_policy,
      .says = "User {nickname} is bounded by {policy}.",
      .words = (const struct word[]){
          USER,
          { .name = "POLICY", .value = "POLICY", .field = "policy", .is = REQUIRED_WORD, .doc = "Its name" },
          { .name = NULL } },
      .examples = (const struct example[]){ { "user set-policy ada admin", "An administrator" }, { NULL, NULL } } },
    { .verb = NULL },
};
/* clang-format on */

const struct noun user_noun = { .name = "user", .doc = "People who have an account", .commands = COMMANDS };
