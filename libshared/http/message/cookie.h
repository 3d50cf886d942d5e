/* cookie.h - what Cookie and Set-Cookie say (RFC 6265). */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/arena.h"
#include "libshared/base/str.h"

enum cookie_found { COOKIE_ABSENT, COOKIE_FOUND, COOKIE_TWICE };

/* The value of this name in a Cookie header, whatever stands beside it there.  COOKIE_TWICE: somebody of a neighbouring host
 * may have set the other one, and nobody knows which is ours.  An empty one is absent. */
enum cookie_found cookie_find(struct str header, const char *name, struct str *value);
/* Has it nothing but what a value may have: no blank, quote, comma, semicolon or backslash, and ASCII? */
bool cookie_is_value(struct str value);
/* A Set-Cookie, for scripts to see nothing of and for TLS alone.  max_age_s 0: the browser forgets it. */
struct str cookie_set(struct arena *arena, const char *name, struct str value, const char *path, const char *same_site,
    int64_t max_age_s);
