/* record.h - a record as a value: whether two are the same, and one that stands without the bytes that it was read from. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/wire.h"

bool ids_have(struct id_list ids, struct id id);

bool record_is_same(const struct wire_shape *shape, const void *a, const void *b); /* in each field, absence too */
/* Its texts, bytes and lists become copies in the arena: it needs nothing else any more. */
void record_keep(const struct wire_shape *shape, struct arena *arena, void *record);
