/* signing_key.c - authctl signing-key ..., authctl file-key ... */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/authctl/authctl.h"

static const struct column KEYS[] = {
    { "KID", "kid", 43, NULL, NULL },
    { "STATE", "state", 7, NULL, NULL },
    { "CREATED", "created_at", 20, NULL, NULL },
    { "SIGNS FROM", "active_at", 20, NULL, NULL },
    { "RETIRES", "retires_at", 0, NULL, NULL },
    { NULL, NULL, 0, NULL, NULL },
};

/* clang-format off */
static const struct command COMMANDS[] = {
    { .verb = "list",
      .doc = "List the keys that tokens are signed with, newest first",
      .about = "next: it signs soon; active: it signs; former: tokens that it signed still hold; retired: none of them does.",
      .ask = &ask_auth_signing_key_list,
      .list = "signing_keys", .columns = KEYS },
    { .verb = "rotate",
      .doc = "Make the next key; it signs in a minute, when every gateway knows it",
      .about = "Tokens of the former key hold until they end by themselves. It happens without being asked after "
               "MADANG_AUTH_SIGNING_KEY_DAYS. To end tokens at once: key revoke, subject logout, session logout.",
      .ask = &ask_auth_signing_key_rotate,
      .list = "signing_keys", .columns = KEYS,
      .examples = (const struct example[]){ { "signing-key rotate", "A backup of a version that kept them in plain went astray" }, { NULL, NULL } } },
    { .verb = NULL },
};
/* clang-format on */

const struct noun signing_key_noun = {
    .name = "signing-key",
    .doc = "The keys that tokens are signed with",
    .about = "They lie in the database encrypted with the file key, which is not there.",
    .commands = COMMANDS,
};

static const char *place_text(const void *record)
{
    const struct file_key *key = record;

    return key->place == 1 ? "seals" : key->place > 1 ? "opens" : "lost";
}

static const struct column FILE_KEYS[] = {
    { "ID", "id", 8, NULL, NULL },
    { "STATE", NULL, 5, NULL, place_text },
    { "SEALED", "sealed", 0, NULL, NULL },
    { NULL, NULL, 0, NULL, NULL },
};

/* EXIT_MISSED: a line in front has not sealed all yet, or one is missing. */
static int list_file_keys(const struct command_line *line)
{
    const struct nothing nothing;
    struct file_key_page page;
    int status = call_method(&ask_auth_file_key_list, &nothing, &page);

    (void)line;
    if (status != EXIT_OK) return status;
    if (as_json)
        print_json(file_key_page_shape(), &page);
    else
        print_head(FILE_KEYS);
    for (size_t i = 0; i < page.file_keys.len; i++) {
        const struct file_key *key = &page.file_keys.at[i];
        if (!as_json) print_line(FILE_KEYS, file_key_shape(), key);
        if (key->place != 1 && key->sealed > 0) status = EXIT_MISSED;
    }
    return status;
}

/* clang-format off */
static const struct command OF_FILE_KEY[] = {
    { .verb = "list",
      .doc = "List the lines of the file key, and how much each has sealed; exit status 4 while it is not the first alone",
      .about = "The first line seals, those below it open what they have sealed before. A line is lost if there is something that "
               "it has sealed, and the file does not have it.",
      .run = list_file_keys,
      .examples = (const struct example[]){
          { "file-key list", "May the former line go? After keygen --rotate-file-key and a restart of auth" },
          { NULL, NULL } } },
    { .verb = NULL },
};
/* clang-format on */

const struct noun file_key_noun = {
    .name = "file-key",
    .doc = "The key that is in no database, and seals what lies there encrypted",
    .about = "It is a file, MADANG_FILE_KEY_FILE. keygen --rotate-file-key DIR puts a new line in front; when auth is "
             "started again it seals "
             "all with that; keygen --forget-file-keys DIR takes the former lines away.",
    .commands = OF_FILE_KEY,
};
