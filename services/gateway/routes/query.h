/* query.h - path parameters, query and body of a request as one JSON object. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <jansson.h>

#include "libshared/wire/records.h"
#include "services/gateway/routes/rows.h"

/* The body's object with the query's and the path's values put over it, typed as the shape wants them.  The caller
 * owns it; NULL: `why` says why not (ERR_MALFORMED or ERR_INVALID_ARGUMENT, returned in *e). */
json_t *query_merge(const struct wire_shape *shape, const struct route_params *params, struct str query,
    struct str body, struct arena *arena, enum err *e, struct wire_error *why);
/* Percent-decoding; false: a bad escape, a NUL, or not UTF-8. */
bool query_decode(struct str raw, bool plus_is_blank, struct arena *arena, struct str *out);
