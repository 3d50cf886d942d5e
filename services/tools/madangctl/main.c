/* main.c - madangctl, the operator's hand on rooms and what is kept there: what it is, and its nouns. */
// SPDX-License-Identifier: Apache-2.0
#include "services/tools/madangctl/madangctl.h"

/* clang-format off */
static const struct noun *const NOUNS[] = {
    &room_noun,
    &share_noun,
    &user_noun,
    &report_noun,
    &connection_noun,
    &job_noun,
    &mattermost_noun,
    &completion_noun,
    &man_noun,
    NULL };

static const struct example EXAMPLES[] = {
    { "room list --idle-since 90d", "Rooms where nobody has said anything for three months" },
    { "room export 01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2 --reason 'a court asks' --to room.ndjson", "One of them, as lines of JSON" },
    { "share takedown https://chat.example.org/s/4RkD8VnqWm1cTz --reason illegal", "What a link shows is shown to nobody any more" },
    { NULL, NULL } };
/* clang-format on */

const struct program program = {
    .name = "madangctl",
    .doc = "what is kept in Madang",
    .about =
        "The operator's hand on rooms and what is said there, whoever is in them, on what members report, on what "
        "links show, on who is connected, and on "
        "jobs. What it does is in "
        "the audit, with who did it and why: authctl audit list --what room., --what share. and --what connection.",
    .settings =
        "Settings are in the environment: MADANG_CHAT_URL, MADANG_STORE_URL, MADANG_SHARE_URL, MADANG_AUTH_URL; "
        "MADANG_KEY_DIR, which holds madangctl.key_secret; MADANG_CALL_BUDGET_MS.",
    .examples = EXAMPLES,
    .nouns = NOUNS,
};

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}
