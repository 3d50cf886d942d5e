/* session.c - authctl subject logout, authctl session logout. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "services/auth/authctl/authctl.h"

static const struct question LOGOUT = { "subject.logout", true, subject_ref_shape, nothing_shape };
static const struct question END = { "session.logout", true, session_ref_shape, nothing_shape };

int subject_logout(const struct command *command, int argc, char **argv)
{
    struct subject_ref ref = { STR_NONE };
    struct nothing nothing;
    const struct option_row rows[] = { { .text = &ref.subject, .required = true } };
    int status = options_read(command, argc, argv, rows, COUNT(rows));

    if (status == EXIT_OK) status = ask(&LOGOUT, &ref, &nothing);
    if (status == EXIT_OK && !as_json) printf("All tokens of %.*s have ended.\n", STR_ARG(ref.subject));
    return status;
}

int session_logout(const struct command *command, int argc, char **argv)
{
    struct session_ref ref = { STR_NONE };
    struct nothing nothing;
    const struct option_row rows[] = { { .text = &ref.session, .required = true } };
    int status = options_read(command, argc, argv, rows, COUNT(rows));

    if (status == EXIT_OK) status = ask(&END, &ref, &nothing);
    if (status == EXIT_OK && !as_json) printf("All tokens of session %.*s have ended.\n", STR_ARG(ref.session));
    return status;
}
