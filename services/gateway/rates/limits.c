/* limits.c - rates and quotas that are others than their rows say. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/rates/limits.h"

#include <string.h>

#include "libshared/base/arena.h"
#include "libshared/base/table.h"
#include "libshared/rpc/quota.h"

#define KEY_MAX (32 + 2 + 4 * 128)

struct entry {
    int64_t limit;
    UT_hash_handle hh;
    size_t len;
    char key[];
};

struct limits {
    struct entry *table;
    struct quota_limit quotas[QUOTA_COUNT];
};

/* The name, then whose: s or k, and who; or nothing. */
static size_t write_key(char out[KEY_MAX], struct str name, char whose, struct str who)
{
    size_t len = name.len < 32 ? name.len : 32, most = KEY_MAX - len - 1;

    memcpy(out, name.at, len);
    if (who.len == 0) return len;
    out[len++] = '\0';
    out[len++] = whose;
    if (who.len < most - 1) most = who.len + 1;
    memcpy(out + len, who.at, most - 1);
    return len + most - 1;
}

static void add_limit(struct limits *limits, struct arena *arena, const struct limit *limit)
{
    char key[KEY_MAX];
    bool is_subject = limit->subject.len > 0;
    size_t len = write_key(key, limit->name, is_subject ? 's' : 'k', is_subject ? limit->subject : limit->key);
    struct entry *entry = arena_zero(arena, sizeof *entry + len);

    entry->limit = limit->limit;
    entry->len = len;
    memcpy(entry->key, key, len);
    HASH_ADD_KEYPTR(hh, limits->table, entry->key, entry->len, entry);
}

struct limits *limits_make(struct arena *arena, const struct limit_list *list)
{
    if (list->len == 0) return NULL;
    struct limits *limits = arena_zero(arena, sizeof *limits);

    for (size_t i = 0; i < list->len; i++) add_limit(limits, arena, &list->at[i]);
    return limits;
}

void limits_free(struct limits *limits)
{
    if (limits != NULL) HASH_CLEAR(hh, limits->table);
}

static const struct entry *find_limit(const struct limits *limits, struct str name, char whose, struct str who)
{
    char key[KEY_MAX];
    size_t len = write_key(key, name, whose, who);
    struct entry *entry;

    HASH_FIND(hh, limits->table, key, len, entry);
    return entry;
}

int64_t limits_find(const struct limits *limits, const char *name, struct str subject, struct str key)
{
    const struct entry *entry = NULL;

    if (limits == NULL) return -1;
    if (subject.len > 0) entry = find_limit(limits, str_of(name), 's', subject);
    if (entry == NULL && key.len > 0) entry = find_limit(limits, str_of(name), 'k', key);
    if (entry == NULL) entry = find_limit(limits, str_of(name), ' ', STR_NONE);
    return entry != NULL ? entry->limit : -1;
}

struct quota_limit_list limits_quotas(struct limits *limits, struct str subject, struct str key)
{
    struct quota_limit_list list = { NULL, 0 };

    if (limits == NULL) return list;
    list.at = limits->quotas;
    for (int i = 0; i < QUOTA_COUNT; i++) {
        const char *name = quota_name((enum quota)i);
        int64_t limit = limits_find(limits, name, subject, key);
        if (limit >= 0) limits->quotas[list.len++] = (struct quota_limit){ str_of(name), limit };
    }
    return list;
}
