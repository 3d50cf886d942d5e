/* json_text.h - single values as JSON text. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/base64.h"
#include "libshared/base/buf.h"
#include "libshared/base/id.h"

void json_put_text(struct buf *out, struct str s); /* valid UTF-8; in quotes, escaped */
size_t json_plain_length(struct str s);            /* bytes before the first that needs an escape; eight at a time */
void json_put_int(struct buf *out, int64_t n);
void json_put_uint(struct buf *out, uint64_t n);
void json_put_real(struct buf *out, double r); /* finite; reads back the same */
void json_put_id(struct buf *out, struct id id);
void json_put_base64(struct buf *out, struct str bytes); /* in quotes */
