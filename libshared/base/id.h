/* id.h - UUIDv7: sorts by the time of its making, even within one millisecond of one process. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

#define ID_TEXT_BYTES 36

struct id {
    uint8_t b[16];
};

struct id id_new(void); /* thread-safe */
bool id_is_nil(struct id id);
bool id_eq(struct id a, struct id b);
bool id_parse(struct str text, struct id *out); /* 8-4-4-4-12, either case */
void id_format(struct id id, char out[ID_TEXT_BYTES + 1]);
