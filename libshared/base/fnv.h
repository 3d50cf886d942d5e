/* fnv.h - FNV-1a: a hash that is the same in every process, for what nobody chooses against it. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>

#define FNV_START UINT64_C(0xcbf29ce484222325)

/* One byte, or a whole number where only a change has to be noticed. */
static inline uint64_t fnv_add(uint64_t hash, uint64_t value)
{
    return (hash ^ value) * UINT64_C(0x100000001b3);
}
