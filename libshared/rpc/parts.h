/*
 * parts.h - a service in several processes, each with its part of the rooms.
 *
 * MADANG_<SERVICE>_URL lists them in the same order for every process, and a room falls to one of them by its id alone: so
 * gateways, stores and the parts themselves agree without asking anybody.  The processes share one database; what is
 * split is their memory.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/id.h"

#define PARTS_MAX 16

struct endpoint_list {
    size_t n;
    const char *at[PARTS_MAX];
};

/* Rooms fall into so many slots, and a part is some of these in a row. */
#define PART_SLOTS 256
struct part_slots {
    size_t first, n;
};
struct part_slots part_slots(size_t part, size_t n);

/* Which of n parts has this room: 0 to n - 1. */
size_t part_of(struct id room, size_t n);
/* The same for the request with this body; false: it names no room, and any part may answer. */
bool part_of_request(struct str body, size_t n, size_t *part);
