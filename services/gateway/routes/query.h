/* query.h - path parameters and query of a request, decoded once. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/records.h"
#include "services/gateway/routes/rows.h"

/* An empty list, with room for all that stands beside a body; of one name the last one holds. */
void given_begin(struct wire_given_list *given, struct arena *arena);
void given_put(struct wire_given_list *given, const char *name, struct str value); /* of a cookie, a header, a file */

void given_forget(struct wire_given_list *given, const char *name);

/* Append the query's values and behind them the path's.  ERR_MALFORMED: badly encoded, or too many. */
enum err query_read(const struct route_params *params, struct str query, struct arena *arena,
    struct wire_given_list *out, struct wire_error *why) MUST_CHECK;
/* Append what a form has (application/x-www-form-urlencoded) for a record of this shape.  A field that somebody left empty
 * and that need not be there is not.  ERR_MALFORMED: as above; ERR_INVALID_ARGUMENT: a name stands there twice. */
enum err form_read(const struct wire_shape *shape, struct str form, struct arena *arena, struct wire_given_list *out,
    struct wire_error *why) MUST_CHECK;
/* An object of which `field` is what this shape does not name: as it came, if it has the field itself.  What is no JSON, or that the
 * door refuses, stays as it is. */
struct str flat_read(const struct wire_shape *shape, const char *field, struct str json, struct arena *arena);
/* Percent-decoding; false: a bad escape, a NUL, or not UTF-8. */
bool query_decode(struct str raw, bool plus_is_blank, struct arena *arena, struct str *out);
