/*
 * places.h - places of which there are only so many: who holds how many, and who holds most.
 *
 * A place counts for a subject, and for the address that it came from (of IPv6 a /64 is one): a key makes as many subjects as it
 * likes.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "libshared/base/str.h"

enum place_by { PLACE_OF_SUBJECT, PLACE_OF_ADDRESS, PLACE_BY_COUNT };

struct place_holder;
struct places {
    struct place_holder *by[PLACE_BY_COUNT];
};
/* One that is taken; all zeroes: none is. */
struct place {
    struct place_holder *of[PLACE_BY_COUNT];
};

struct place place_take(struct places *places, struct str subject, struct str address);
void place_leave(struct places *places, struct place *place); /* none is fine */
static inline bool place_is_taken(const struct place *place)
{
    return place->of[PLACE_OF_SUBJECT] != NULL;
}
size_t places_count(const struct places *places, enum place_by by, struct str who);
/* The holder that has most places, if it has more than this place's; NULL: none has. */
const struct place_holder *places_most(const struct places *places, const struct place *place, enum place_by by);
