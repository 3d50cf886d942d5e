/* keys.c - the numbers under which messages are found. */
// SPDX-License-Identifier: Apache-2.0
#include "services/store/search/keys.h"

#include <stdlib.h>
#include <string.h>

#include "libshared/base/fnv.h"

/* What a key is of, above the 21 bits of each of two characters. */
enum key_of { OF_PAIR, OF_BEGINNING, OF_ROOM, OF_SENDER, OF_KIND, OF_SEGMENT };

/* The last step of MurmurHash3: each bit of what goes in is in all that comes out. */
static int32_t mix(enum key_of of, uint64_t x)
{
    x ^= (uint64_t)of << 60 | (uint64_t)of << 44;
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    x ^= x >> 33;
    return (int32_t)(uint32_t)x;
}

static uint64_t hash_bytes(const char *at, size_t len)
{
    uint64_t hash = FNV_START;

    for (size_t i = 0; i < len; i++) hash = fnv_add(hash, (unsigned char)at[i]);
    return hash;
}

int32_t search_salt(int64_t segment)
{
    return mix(OF_SEGMENT, (uint64_t)segment);
}

int32_t search_key_of_room(struct id room)
{
    return mix(OF_ROOM, hash_bytes((const char *)room.b, sizeof room.b));
}

unsigned search_kinds_of(struct str body)
{
    for (size_t i = 0; i + 7 < body.len; i++) {
        struct str rest = str_skip(body, i);
        if (str_starts(rest, STR("http://")) || str_starts(rest, STR("https://"))) return SEARCH_link;
    }
    return 0;
}

static void add_text(struct search_keys *keys, const struct search_text *text)
{
    for (size_t i = 0; i < text->len; i++) {
        if (search_is_blank(text->at[i])) continue;
        if (search_begins_word(text, i)) keys->at[keys->len++] = mix(OF_BEGINNING, (uint64_t)text->at[i]);
        if (i + 1 < text->len && !search_is_blank(text->at[i + 1]))
            keys->at[keys->len++] = mix(OF_PAIR, (uint64_t)text->at[i] << 21 | (uint64_t)text->at[i + 1]);
    }
}

static void add_word(struct search_keys *keys, const struct search_text *word)
{
    if (word->len == 1) keys->at[keys->len++] = mix(OF_BEGINNING, (uint64_t)word->at[0]);
    for (size_t i = 0; i + 1 < word->len; i++)
        keys->at[keys->len++] = mix(OF_PAIR, (uint64_t)word->at[i] << 21 | (uint64_t)word->at[i + 1]);
}

static void add_facts(struct search_keys *keys, struct str sender, unsigned kinds)
{
    if (sender.len > 0) keys->at[keys->len++] = mix(OF_SENDER, hash_bytes(sender.at, sender.len));
    for (unsigned kind = SEARCH_reply; kind <= SEARCH_link; kind <<= 1)
        if (kinds & kind) keys->at[keys->len++] = mix(OF_KIND, kind);
}

static int compare_keys(const void *a, const void *b)
{
    int32_t left = *(const int32_t *)a, right = *(const int32_t *)b;

    return left < right ? -1 : left > right;
}

static void sort_keys(struct search_keys *keys)
{
    size_t n = 0;

    qsort(keys->at, keys->len, sizeof *keys->at, compare_keys);
    for (size_t i = 0; i < keys->len; i++)
        if (n == 0 || keys->at[n - 1] != keys->at[i]) keys->at[n++] = keys->at[i];
    keys->len = n;
}

#define FACTS 8 /* of a message, at the most */

struct search_keys search_keys_of_message(
    struct arena *arena, const struct search_text *text, struct id room, struct str sender, unsigned kinds)
{
    struct search_keys keys = { arena_alloc(arena, (text->len * 2 + FACTS) * sizeof *keys.at), 0 };

    add_text(&keys, text);
    add_facts(&keys, sender, kinds);
    keys.at[keys.len++] = search_key_of_room(room);
    keys.at[keys.len++] = 0; /* each has it: so a segment's messages are those that have its salt */
    sort_keys(&keys);
    return keys;
}

struct search_keys search_keys_of_query(
    struct arena *arena, const struct search_words *words, struct str sender, unsigned kinds)
{
    size_t most = FACTS;
    struct search_keys keys = { NULL, 0 };

    for (size_t i = 0; i < words->len; i++) most += words->at[i].len;
    keys.at = arena_alloc(arena, most * sizeof *keys.at);
    for (size_t i = 0; i < words->len; i++) add_word(&keys, &words->at[i]);
    add_facts(&keys, sender, kinds);
    sort_keys(&keys);
    return keys;
}
