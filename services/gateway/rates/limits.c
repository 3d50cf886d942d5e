/* limits.c - rates and quotas that are others than their rows say. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/rates/limits.h"

#include <string.h>

#include "libshared/base/table.h"
#include "libshared/rpc/quota.h"

#define KEY_MAX (32 + 2 + 4 * 128)

struct known_limit {
    int64_t limit;
    UT_hash_handle hh;
    size_t len;
    char key[];
};

struct limits {
    struct known_limit *table;
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

struct limits *limits_create(void)
{
    return mem_zero(sizeof(struct limits));
}

static void remove_entry(struct limits *limits, struct known_limit *entry)
{
    HASH_DEL(limits->table, entry);
    mem_free(entry);
}

void limits_destroy(struct limits **limits)
{
    if (*limits == NULL) return;
    while ((*limits)->table != NULL) remove_entry(*limits, (*limits)->table);
    mem_free(*limits);
    *limits = NULL;
}

void limits_set(struct limits *limits, const struct limit_state *limit)
{
    char key[KEY_MAX];
    bool is_subject = limit->subject.len > 0;
    size_t len = write_key(key, limit->name, is_subject ? 's' : 'k', is_subject ? limit->subject : limit->key);
    struct known_limit *entry;

    HASH_FIND(hh, limits->table, key, len, entry);
    if (entry != NULL) remove_entry(limits, entry);
    if (!limit->is_set) return;
    entry = mem_zero(sizeof *entry + len);
    entry->limit = limit->limit;
    entry->len = len;
    memcpy(entry->key, key, len);
    HASH_ADD_KEYPTR(hh, limits->table, entry->key, entry->len, entry);
}

static const struct known_limit *find_limit(const struct limits *limits, struct str name, char whose, struct str who)
{
    char key[KEY_MAX];
    size_t len = write_key(key, name, whose, who);
    struct known_limit *entry;

    HASH_FIND(hh, limits->table, key, len, entry);
    return entry;
}

int64_t limits_find(const struct limits *limits, const char *name, struct str subject, struct str key)
{
    const struct known_limit *entry = NULL;

    if (limits == NULL || limits->table == NULL) return -1;
    if (subject.len > 0) entry = find_limit(limits, str_of(name), 's', subject);
    if (entry == NULL && key.len > 0) entry = find_limit(limits, str_of(name), 'k', key);
    if (entry == NULL) entry = find_limit(limits, str_of(name), ' ', STR_NONE);
    return entry != NULL ? entry->limit : -1;
}

struct quota_limit_list limits_quotas(struct limits *limits, struct str subject, struct str key)
{
    struct quota_limit_list list = { NULL, 0 };

    if (limits == NULL || limits->table == NULL) return list;
    list.at = limits->quotas;
    for (int i = 0; i < QUOTA_COUNT; i++) {
        const char *name = quota_name((enum quota)i);
        int64_t limit = limits_find(limits, name, subject, key);
        if (limit >= 0) limits->quotas[list.len++] = (struct quota_limit){ str_of(name), limit };
    }
    return list;
}
