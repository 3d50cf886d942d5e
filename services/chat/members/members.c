/* members.c - the members of one room. */
// SPDX-License-Identifier: Apache-2.0
#include "services/chat/members/members.h"

#include <assert.h>
#include <string.h>

#include "libshared/base/arena.h"
#include "libshared/base/table.h"
#include "libshared/rpc/room_rights.h"

/* What the allocator and the table need for each. */
#define EXTRA_BYTES 64

struct member {
    UT_hash_handle hh;
    int64_t version, reads_after;
    enum role role;
    char subject[];
};

struct members {
    struct member *table;
    size_t bytes;
    int64_t slow_s;
    bool partial; /* who is not in the table may be a member all the same */
};

static size_t bytes_of(size_t subject_len)
{
    return sizeof(struct member) + EXTRA_BYTES + subject_len;
}

struct members *members_create(void)
{
    return mem_zero(sizeof(struct members));
}

static void remove_member(struct members *members, struct member *m)
{
    assert(members->bytes >= bytes_of(m->hh.keylen));
    members->bytes -= bytes_of(m->hh.keylen);
    HASH_DEL(members->table, m);
    mem_free(m);
}

void members_forget(struct members *members)
{
    struct member *m, *next;

    HASH_ITER(hh, members->table, m, next) remove_member(members, m);
    members->partial = true;
}

void members_destroy(struct members **members)
{
    if (*members == NULL) return;
    members_forget(*members);
    mem_free(*members);
    *members = NULL;
}

size_t members_bytes(const struct members *members)
{
    return sizeof *members + members->bytes;
}

size_t members_count(const struct members *members)
{
    return HASH_COUNT(members->table);
}

static struct member *find_member(const struct members *members, struct str subject)
{
    struct member *m;

    HASH_FIND(hh, members->table, subject.at, subject.len, m);
    return m;
}

struct member_access members_access(const struct members *members, struct str subject)
{
    const struct member *m = find_member(members, subject);

    return m == NULL ? (struct member_access){ .role = STR("") }
                     : (struct member_access){ room_role_name(m->role), m->reads_after, members->slow_s };
}

void members_set_pace(struct members *members, int64_t slow_s)
{
    members->slow_s = slow_s;
}

bool members_are_whole(const struct members *members)
{
    return !members->partial;
}

bool members_know(const struct members *members, struct str subject)
{
    return !members->partial || find_member(members, subject) != NULL;
}

static struct member *add_member(struct members *members, struct str subject)
{
    struct member *m = mem_zero(sizeof *m + subject.len);

    memcpy(m->subject, subject.at, subject.len);
    HASH_ADD_KEYPTR(hh, members->table, m->subject, subject.len, m);
    members->bytes += bytes_of(subject.len);
    return m;
}

void members_set(struct members *members, struct str subject, struct member_access access, int64_t version)
{
    struct member *m = find_member(members, subject);

    if (m != NULL && m->version > version) return;
    if (access.role.len == 0 && !members->partial) {
        if (m != NULL) remove_member(members, m);
        return;
    }
    if (m == NULL) m = add_member(members, subject);
    m->version = version;
    m->role = room_role_of(access.role);
    m->reads_after = access.reads_after;
}
