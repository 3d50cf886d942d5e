/* limits.h - rates and quotas that are others than their rows say: what their handlers share. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_server.h"

/* There is such a rate or quota, and it is for one subject, for one key or for all. */
enum err limit_check(struct call *call, struct str name, struct str subject, struct str key) MUST_CHECK;
/* An administrator sets no limit of who may more in /admin. */
enum err limit_check_rank(struct call *call, struct str subject, struct str key) MUST_CHECK;
/* Checked before. */
enum err limit_put(struct call *call, const struct limit *limit) MUST_CHECK;
