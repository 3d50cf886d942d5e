/* ended.c - tokens that have ended before their time. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/identity/ended.h"

#include <openssl/sha.h>
#include <string.h>

#include "libshared/base/arena.h"
#include "libshared/base/table.h"

#define DIGEST_BYTES 16
#define NAME_BYTES   512 /* proto/auth.def: trust_end.subject, of four bytes each */

struct end {
    unsigned char digest[DIGEST_BYTES];
    int64_t at, until;
    UT_hash_handle hh; /* in the order in which they were noted */
};

struct ended {
    struct end *table;
};

struct ended *ended_create(void)
{
    return mem_zero(sizeof(struct ended));
}

static void remove_end(struct ended *ended, struct end *end)
{
    HASH_DEL(ended->table, end);
    mem_free(end);
}

void ended_destroy(struct ended **ended)
{
    if (*ended == NULL) return;
    while ((*ended)->table != NULL) remove_end(*ended, (*ended)->table);
    mem_free(*ended);
    *ended = NULL;
}

/* A name that is longer than any is nobody's. */
static struct end *find_end(
    const struct ended *ended, enum ended_kind kind, struct str name, unsigned char out[DIGEST_BYTES])
{
    unsigned char text[1 + NAME_BYTES], digest[SHA256_DIGEST_LENGTH];
    size_t len = name.len < NAME_BYTES ? name.len : NAME_BYTES;
    struct end *end;

    text[0] = (unsigned char)kind;
    memcpy(text + 1, name.at, len);
    SHA256(text, 1 + len, digest);
    memcpy(out, digest, DIGEST_BYTES);
    HASH_FIND(hh, ended->table, out, DIGEST_BYTES, end);
    return end;
}

/* One that is noted again is the newest again. */
void ended_note(struct ended *ended, enum ended_kind kind, struct str name, int64_t at, int64_t until)
{
    struct end *next = mem_zero(sizeof *next), *was = find_end(ended, kind, name, next->digest);

    next->at = at;
    next->until = until;
    if (was != NULL) remove_end(ended, was);
    HASH_ADD(hh, ended->table, digest, DIGEST_BYTES, next);
}

int64_t ended_find(const struct ended *ended, enum ended_kind kind, struct str name)
{
    unsigned char digest[DIGEST_BYTES];
    const struct end *end;

    if (ended->table == NULL || name.len == 0) return -1;
    end = find_end(ended, kind, name, digest);
    return end != NULL ? end->at : -1;
}

void ended_forget(struct ended *ended, int64_t now)
{
    while (ended->table != NULL && ended->table->until < now) remove_end(ended, ended->table);
}

size_t ended_count(const struct ended *ended)
{
    return HASH_COUNT(ended->table);
}
