/*
 * people.h - accounts as an administrator sees and changes them: methods of noun `people`, for authctl and admin routes.
 *
 * An account is named by its id, its e-mail or its nickname.  Each change is a link of the audit chain, in one transaction with
 * what dies of it (users/revoke.h).
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/auth/users/users.h"

/* ERR_NOT_FOUND: nobody is called that. */
enum err people_find(struct call *call, struct str named, struct id *out) MUST_CHECK;
enum err people_entry(struct call *call, struct id account, struct user_entry *out) MUST_CHECK;
/* ERR_FORBIDDEN: its policy allows what that of who asks does not, so they give nobody a way to be it, nor it another policy. */
enum err people_may_give(struct call *call, struct id account) MUST_CHECK;
/* ERR_FORBIDDEN: it may in /admin what who asks may not, so they neither end it nor let it in again. */
enum err people_outranked(struct call *call, struct id account) MUST_CHECK;
