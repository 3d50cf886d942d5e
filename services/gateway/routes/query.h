/* query.h - path parameters and query of a request, decoded once. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/records.h"
#include "services/gateway/routes/rows.h"

/* The query's values and behind them the path's, which hold: what stands beside the body for wire_read_json_over().
 * ERR_MALFORMED: badly encoded, or too many. */
enum err query_read(const struct route_params *params, struct str query, struct arena *arena,
    struct wire_given_list *out, struct wire_error *why) MUST_CHECK;
/* Percent-decoding; false: a bad escape, a NUL, or not UTF-8. */
bool query_decode(struct str raw, bool plus_is_blank, struct arena *arena, struct str *out);
