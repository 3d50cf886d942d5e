/* hangul.h - Korean as it is typed: on a Latin keyboard the two-set layout makes dkssud of 안녕. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/buf.h"

/* The keys for this text: syllables and single letters of Hangul as they are typed, all else as it is. */
void hangul_keys(struct str text, struct buf *out);
