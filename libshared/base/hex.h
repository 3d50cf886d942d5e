/* hex.h - bytes spelled in hex digits: pairs of them, and the escapes of a URL. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

int hex_digit(char c); /* of either case; -1: it is none */
/* Two lower-case digits for each byte, and a NUL. */
void hex_format(const unsigned char *bytes, size_t n, char *out);
/* A byte for two digits each.  false: it is not all digits, in pairs. */
bool hex_parse(struct str text, unsigned char *out);
/* `out` has room for from.len; *n: how many bytes came of it.  false: a % is not followed by two digits, and stands for itself. */
bool percent_decode(struct str from, bool plus_is_blank, char *out, size_t *n);
