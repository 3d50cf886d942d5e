/* user.c - madangctl user ... */
// SPDX-License-Identifier: Apache-2.0
#include "services/tools/madangctl/madangctl.h"

static const char *where_text(const void *record)
{
    const struct purge *purge = record;
    char room[ID_TEXT_BYTES + 1];

    id_format(purge->room, room);
    return id_is_nil(purge->room) ? "all rooms" : text_printf("%s", room);
}

static const char *state_text(const void *record)
{
    return ((const struct purge *)record)->ended_at > 0 ? "done" : "goes on";
}

static const struct column COLUMNS[] = {
    { "BEGUN", "begun_at", 20, NULL, NULL },
    { "STATE", NULL, 8, NULL, state_text },
    { "MESSAGES", "messages", 9, NULL, NULL },
    { "IN", NULL, 36, NULL, where_text },
    { "BY", "begun_by", 20, NULL, NULL },
    { "OF", "subject", 0, NULL, NULL },
    { NULL, NULL, 0, NULL, NULL },
};

/* Whoever does not say --yes says the subject once more. */
static int confirm(const struct command_line *line, void *req)
{
    const struct purge_draft *draft = req;

    if (line_has(line, "--yes")) return EXIT_OK;
    if (confirmed(
            "What is purged nothing brings back. The subject once more, to purge what they said: ", draft->subject))
        return EXIT_OK;
    fprintf(stderr, "%s: that is another one; nothing was done\n", program.name);
    return EXIT_USAGE;
}

/* clang-format off */
static const struct command COMMANDS[] = {
    { .verb = "purge-messages",
      .doc = "Have all that somebody said become places without words, for good",
      .about = "Each message that they sent up to now is deleted as by a moderator, and what it said is kept for no while: who listens hears it, and search, "
               "threads, mentions, counts and files follow. Its place in the log stays, with who sent it and when. The store's job purge.run does that, some "
               "messages at a time and beside whoever writes; `user purges` shows how far it is. What they reacted with stays, and so do drafts and what they "
               "scheduled. Without --yes the subject is asked for once more.",
      .ask = &ask_store_purge_begin,
      .prepare = confirm,
      .says = "What {subject} said becomes places without words: user purges shows how far that is.",
      .words = (const struct word[]){
          { .name = "SUBJECT", .value = "SUBJECT", .field = "subject", .is = REQUIRED_WORD, .doc = "Who sent it: the id of a user, or the name that a back end gave" },
          { .name = "--room", .value = "ROOM", .field = "room", .doc = "In this room; without it in all" },
          { .name = "--reason", .value = "TEXT", .field = "reason", .is = REQUIRED_WORD, .doc = "Why, for the audit" },
          { .name = "--yes", .doc = "Ask for nothing" },
          { .name = NULL } },
      .examples = (const struct example[]){
          { "user purge-messages 01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2 --reason 'as they asked' --yes", "In all rooms" },
          { NULL, NULL } } },
    { .verb = "purges",
      .doc = "List purges of what somebody said, the newest first, and how far they are",
      .ask = &ask_store_purge_list,
      .pages = true, .list = "purges", .columns = COLUMNS,
      .words = (const struct word[]){
          { .name = "--of", .value = "SUBJECT", .field = "subject", .doc = "Of what this subject said" },
          { .name = "--limit", .value = "N", .field = "limit", .doc = "So many alone" },
          { .name = NULL } },
      .examples = (const struct example[]){ { "user purges", "What goes on, and what ended within 90 days" }, { NULL, NULL } } },
    { .verb = NULL },
};
/* clang-format on */

const struct noun user_noun = { .name = "user", .doc = "What somebody said, in rooms", .commands = COMMANDS };
