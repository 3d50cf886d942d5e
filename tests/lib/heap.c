/* heap.c - see heap.h. */
// SPDX-License-Identifier: Apache-2.0
#include <malloc.h>

#include "tests/lib/heap.h"

size_t heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}
