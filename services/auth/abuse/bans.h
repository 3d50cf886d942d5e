/* bans.h - who is let in nowhere.  Gateways enforce it, by the trust; what auth gives out, it refuses itself. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/auth/auth.h"

/* On a worker.  ERR_BANNED: the subject is; before anything is given to it. */
enum err ban_check(struct pg *pg, struct arena *arena, struct str subject) MUST_CHECK;
