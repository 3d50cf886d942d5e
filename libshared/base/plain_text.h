/* plain_text.h - names that look like what they are. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

/* Valid UTF-8 without control characters, marks that turn the direction, characters that are not seen or stand for none,
 * blanks at an end and blanks that are not U+0020.  So two such texts that differ are seen to, but for look-alikes of
 * other alphabets. */
bool text_is_plain(struct str text);
/* What such a text may have of a valid one, in at most so many code points: into `to`, which has room for all of it; its bytes. */
size_t text_plain_part(struct str text, size_t chars_max, char *to);
