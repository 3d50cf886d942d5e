/* registration.h - who may become a user: MADANG_AUTH_REGISTRATION, for all ways in. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/auth/users/users.h"

/* NULL: with an invitation, or without one; else a sentence that says who may. */
const char *registration_refusal(const struct settings_auth *s, bool is_invited);
/* Is this e-mail, by its key, of a domain that may?  Who is invited is not asked. */
bool registration_has_domain(const struct settings_auth *s, struct str email_key);
