/* mail_request.h - mails that somebody asks for, who gives an address that may be nobody's. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/auth/users/users.h"

#define MAIL_REQUEST_VERIFY  "verify"
#define MAIL_REQUEST_RESET   "reset"
#define MAIL_REQUEST_SIGN_IN "sign_in"

/* In a WORKER.  `flow`: of a sign-in, or STR_NONE.  ERR_MAIL_OFF, or ERR_INVALID_ARGUMENT: it is no address. */
enum err mail_request_put(
    struct call *call, const char *what, struct str typed, struct str flow, struct email *email) MUST_CHECK;
