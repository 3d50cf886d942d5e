/* members.c - the members of one room. */
// SPDX-License-Identifier: Apache-2.0
#include "services/chat/members.h"

#include <string.h>

#include "libshared/base/arena.h"
#include "libshared/base/table.h"

struct member {
    UT_hash_handle hh;
    bool is_owner;
    char subject[];
};

struct members {
    struct member *table;
};

struct members *members_create(void)
{
    return mem_zero(sizeof(struct members));
}

static void remove_member(struct members *members, struct member *m)
{
    HASH_DEL(members->table, m);
    mem_free(m);
}

void members_destroy(struct members **members)
{
    struct member *m, *next;

    if (*members == NULL) return;
    HASH_ITER(hh, (*members)->table, m, next) remove_member(*members, m);
    mem_free(*members);
    *members = NULL;
}

size_t members_count(const struct members *members)
{
    return HASH_COUNT(members->table);
}

static struct member *find(const struct members *members, struct str subject)
{
    struct member *m;

    HASH_FIND(hh, members->table, subject.at, subject.len, m);
    return m;
}

struct str members_role(const struct members *members, struct str subject)
{
    const struct member *m = find(members, subject);

    return m == NULL ? STR("") : m->is_owner ? STR("owner") : STR("member");
}

void members_set(struct members *members, struct str subject, struct str role)
{
    struct member *m = find(members, subject);

    if (role.len == 0) {
        if (m != NULL) remove_member(members, m);
        return;
    }
    if (m == NULL) {
        m = mem_zero(sizeof *m + subject.len);
        memcpy(m->subject, subject.at, subject.len);
        HASH_ADD_KEYPTR(hh, members->table, m->subject, subject.len, m);
    }
    m->is_owner = str_is(role, "owner");
}
