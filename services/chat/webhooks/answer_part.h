/* answer_part.h - what is kept of a server's answer: for who looks why it took nothing. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

#define ANSWER_PART_CHARS 200
#define ANSWER_PART_BYTES (ANSWER_PART_CHARS * 4 + 1)

/* The beginning in characters that are seen, none if it is no UTF-8.  A server that sends back what it got would have our signature in it, or a
 * secret: what has 32 characters of base64 or more at once is left out. */
void answer_part(struct str answer, char out[ANSWER_PART_BYTES]);
