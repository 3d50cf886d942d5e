/*
 * policy_table.h - a table of what policies shall answer, as people write it.
 *
 *      # a comment
 *      policy       action  namespace  event         expect
 *      chat-client  emit    /chat      message:send  allow
 *      read-only    emit    /chat      message:send  deny
 *
 * The first line names the columns, in any order: policy, action and expect, and those of namespace, event, room and subject
 * that there are.  Blanks are between them; what has blanks of its own stands in quotes, as in JSON; - is nothing.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/records.h"

#define POLICY_CASES_MAX 1000 /* proto/auth.def: policy_trial */

/* out->cases, and (*lines)[i], where case i stands.  ERR_INVALID_ARGUMENT: `why` says what, and in which line. */
enum err policy_table_read(struct arena *arena, struct str text, struct policy_trial *out, const int64_t **lines,
    struct wire_error *why) MUST_CHECK;
