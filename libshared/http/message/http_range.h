/* http_range.h - Range of one range of bytes (RFC 9110 14.1.2, 14.2). */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

enum http_range { RANGE_NONE, RANGE_PART, RANGE_UNSATISFIABLE };

/* Of a body of `size` bytes: PART is from *at up to *end.  NONE: the whole is to be answered, for there is no Range, or it
 * is none of ours: several ranges, other units, nonsense. */
enum http_range http_range_read(struct str header, int64_t size, int64_t *at, int64_t *end);
/* Is this entity tag in an If-None-Match?  They are compared weakly. */
bool http_tag_matches(struct str header, struct str tag);
/* Is it in an If-Match?  There a weak one is as good as none (RFC 9110 13.1.1). */
bool http_tag_is_same(struct str header, struct str tag);
