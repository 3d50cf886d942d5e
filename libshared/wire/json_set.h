/* json_set.h - one member of a JSON object is set, and the others stay as they are written. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/buf.h"

/* Append the object with the member `name`, first and once, whatever it held of that name in whatever spelling.
 * `object` is valid JSON.  false: it is no object. */
bool json_set_text(struct str object, const char *name, struct str text, struct buf *out);
