/* walk.h - over msgpack bytes without unpacking them: where does a value end? */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

/* Step over the value that `rest` begins with.  false: it is not well-formed, is nested deeper than `depth_max`
 * containers, or declares more than the bytes left could hold.  *values counts every value passed, itself included. */
bool walk_value(struct str *rest, unsigned depth_max, size_t *values);
