/* media_type.h - what Content-Type and Accept say (RFC 9110 8.3, 12.5.1). */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/arena.h"
#include "libshared/base/str.h"

/* Is a Content-Type this type, whatever its parameters and case? */
bool media_type_is(struct str header, const char *type);
/* A parameter of it, such as `boundary`; the text of a quoted one is in the arena.  false: it has none, or two. */
bool media_type_param(struct str header, const char *name, struct arena *arena, struct str *out);
/* Does an Accept take this type?  Absent or empty: any.  The range that is closest to the type decides. */
bool media_type_accepted(struct str accept, const char *type);
