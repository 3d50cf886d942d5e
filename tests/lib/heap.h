/* heap.h - how many bytes the process has from malloc(), for tests that fill a structure to its bound. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>

/* A table that grows takes a chunk of its own, and buffers of the test's output come in between. */
#define HEAP_SLACK (64 << 10)

/* Large chunks count too.  Under a sanitizer, which has an allocator of its own, it is 0 at all times: what is asserted is then
 * true of nothing. */
size_t heap_bytes(void);
