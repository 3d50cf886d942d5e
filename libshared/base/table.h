/* table.h - uthash with a hash of our own: seeded at random, as outsiders choose some of the keys. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>

unsigned table_hash(const void *key, size_t len);

#define HASH_FUNCTION(key, len, out) (out) = table_hash((key), (len))
#include <uthash.h>
