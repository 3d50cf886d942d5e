/* qr.h - a text as a QR code (ISO/IEC 18004): bytes, error correction level M. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/arena.h"

#define QR_TEXT_BYTES_MAX 1000

struct qr {
    int size;            /* modules of a side */
    unsigned char *dark; /* size * size, row by row: 1 or 0 */
};

/* false: the text has more than QR_TEXT_BYTES_MAX. */
bool qr_make(struct arena *arena, struct str text, struct qr *out);
/* Its dark modules as the `d` of an SVG path, one unit each, with `margin` units around. */
struct str qr_path(struct arena *arena, const struct qr *qr, int margin);
