/* container_of.h - from a member to the struct that it lies in. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>

/* The sizeof has no value of its own: it refuses a pointer to anything else than that member. */
#define CONTAINER_OF(pointer, type, member)                                                                            \
    ((type *)((char *)(pointer) - (offsetof(type, member) + 0 * sizeof(0 ? (pointer) : &((type *)0)->member))))
