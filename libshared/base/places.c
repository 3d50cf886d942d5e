/* places.c - places of which there are only so many: who holds how many, and who holds most. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/places.h"

#include <string.h>

#include "libshared/base/arena.h"
#include "libshared/base/network.h"
#include "libshared/base/table.h"

struct place_holder {
    UT_hash_handle hh;
    size_t n, len;
    char name[];
};

static struct place_holder *find_holder(struct place_holder *table, struct str name)
{
    struct place_holder *holder;

    HASH_FIND(hh, table, name.at, name.len, holder);
    return holder;
}

static struct place_holder *add_place(struct place_holder **table, struct str name)
{
    struct place_holder *holder = find_holder(*table, name);

    if (holder == NULL) {
        holder = mem_zero(sizeof *holder + name.len + 1);
        holder->len = name.len;
        if (name.len > 0) memcpy(holder->name, name.at, name.len);
        HASH_ADD_KEYPTR(hh, *table, holder->name, holder->len, holder);
    }
    holder->n++;
    return holder;
}

struct place place_take(struct places *places, struct str subject, struct str address)
{
    char block[INET6_ADDRSTRLEN];
    struct place place = { {
        [PLACE_OF_SUBJECT] = add_place(&places->by[PLACE_OF_SUBJECT], subject),
        [PLACE_OF_ADDRESS] = add_place(&places->by[PLACE_OF_ADDRESS], address_block_name(address, block)),
    } };

    return place;
}

void place_leave(struct places *places, struct place *place)
{
    for (int by = 0; by < PLACE_BY_COUNT; by++) {
        struct place_holder *holder = place->of[by];
        place->of[by] = NULL;
        if (holder == NULL || --holder->n > 0) continue;
        HASH_DEL(places->by[by], holder);
        mem_free(holder);
    }
}

/* Of IPv6 addresses a block has one name, whatever is asked for. */
size_t places_count(const struct places *places, enum place_by by, struct str who)
{
    char block[INET6_ADDRSTRLEN];
    const struct place_holder *holder =
        find_holder(places->by[by], by == PLACE_OF_ADDRESS ? address_block_name(who, block) : who);

    return holder == NULL ? 0 : holder->n;
}

const struct place_holder *places_most(const struct places *places, const struct place *place, enum place_by by)
{
    const struct place_holder *most = place->of[by];

    for (const struct place_holder *holder = places->by[by]; holder != NULL; holder = holder->hh.next)
        if (holder->n > most->n) most = holder;
    return most->n > place->of[by]->n ? most : NULL;
}
