/* main.c - authctl, the operator's hand on auth: what it is, and its nouns. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/authctl/authctl.h"

/* clang-format off */
static const struct noun *const NOUNS[] = {
    &key_noun,
    &user_noun,
    &demo_noun,
    &subject_noun,
    &session_noun,
    &policy_noun,
    &quota_noun,
    &signing_key_noun,
    &file_key_noun,
    &audit_noun,
    &ban_noun,
    &attempts_noun,
    &alert_noun,
    &notice_noun,
    &completion_noun,
    &man_noun,
    NULL };

static const struct example EXAMPLES[] = {
    { "key issue --name web --policy chat-client --expires 90d", "A key for a web page, for 90 days" },
    { "policy explain --policy read-only --action emit --namespace /chat --event message:send", "Why may a reader not send?" },
    { NULL, NULL } };
/* clang-format on */

const struct program program = {
    .name = "authctl",
    .doc = "who may do what in Madang",
    .about = "The operator's hand on the auth service: keys, policies, quotas, and who has tokens.",
    .settings =
        "Settings are in the environment: MADANG_AUTH_URL, for quota show MADANG_CHAT_URL, MADANG_STORE_URL and "
        "MADANG_SHARE_URL; MADANG_KEY_DIR, which holds authctl.key_secret; MADANG_CALL_BUDGET_MS.",
    .examples = EXAMPLES,
    .nouns = NOUNS,
};

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}
