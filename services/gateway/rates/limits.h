/*
 * limits.h - rates and quotas that are others than their rows say, as auth has them: for a subject before those for its
 * key, and these before those for all.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/records.h"

struct limits; /* NULL, as an empty one: every row holds */

struct limits *limits_create(void);
void limits_destroy(struct limits **limits);
void limits_set(struct limits *limits, const struct limit_state *limit); /* as it is from now on */
int64_t limits_find(
    const struct limits *limits, const char *name, struct str subject, struct str key); /* -1: as its row */
/* The quotas among them, for a principal: valid until the next call. */
struct quota_limit_list limits_quotas(struct limits *limits, struct str subject, struct str key);
