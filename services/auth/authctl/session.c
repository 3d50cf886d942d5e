/* session.c - authctl subject logout, authctl session logout. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/authctl/authctl.h"

/* clang-format off */
static const struct command OF_SUBJECT[] = {
    { .verb = "logout",
      .doc = "End all tokens of a subject that were issued up to now, and every socket of theirs, at once",
      .ask = &ask_auth_subject_logout,
      .says = "All tokens of {subject} have ended.",
      .words = (const struct word[]){
          { .name = "SUBJECT", .value = "SUBJECT", .field = "subject", .is = REQUIRED_WORD, .doc = "As it is in the tokens, their sub" },
          { .name = NULL } },
      .examples = (const struct example[]){
          { "subject logout ada", "Whom a back end calls ada" },
          { "subject logout key:gk7QhTz1aVx2", "A key that speaks for itself" },
          { NULL, NULL } } },
    { .verb = NULL },
};

static const struct command OF_SESSION[] = {
    { .verb = "logout",
      .doc = "End the tokens of one session, and every socket of theirs, at once",
      .ask = &ask_auth_session_logout,
      .says = "All tokens of session {session} have ended.",
      .words = (const struct word[]){
          { .name = "SID", .value = "SID", .field = "session", .is = REQUIRED_WORD, .doc = "The sid of its tokens" },
          { .name = NULL } },
      .examples = (const struct example[]){ { "session logout nY3kQ0Zk1mB8uQm0pXw2aA", "The one device that was lost" }, { NULL, NULL } } },
    { .verb = NULL },
};
/* clang-format on */

const struct noun subject_noun = { .name = "subject", .doc = "Whom tokens speak for", .commands = OF_SUBJECT };
const struct noun session_noun = { .name = "session", .doc = "What came of one sign-in", .commands = OF_SESSION };
