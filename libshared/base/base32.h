/* base32.h - RFC 4648, section 6, without padding: what people may have to type. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>

/* (8 * len + 4) / 5 characters of A-Z and 2-7, and a NUL. */
void base32_encode(const unsigned char *from, size_t len, char *out);
