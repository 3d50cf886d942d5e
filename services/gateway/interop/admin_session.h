/* admin_session.h - signed names of logins: "<end>.<signature>". */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

#define ADMIN_SESSION_MAX 96

/* The key is what both user and password hash make; a new password ends all sessions. */
void admin_session_make(char out[ADMIN_SESSION_MAX], const char *user, const char *hash, int64_t ends_s);
bool admin_session_is_good(struct str session, const char *user, const char *hash, int64_t now_s);
