/*
 * fuzz_search.c - whatever stands in a message and in a query: what the words are found in has all keys of the query, so that the index
 * leads there; and what is marked lies in the text, one behind the other.  The bytes up to the first NUL are the query.
 */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "services/store/search/keys.h"
#include "tests/fuzz/fuzz.h"

#define MARKS 100

static bool has(const struct search_keys *keys, int32_t key)
{
    for (size_t i = 0; i < keys->len; i++)
        if (keys->at[i] == key) return true;
    return false;
}

static void check_pieces(const struct search_pieces *pieces, size_t characters)
{
    PROMISE(pieces->len >= 1 && pieces->len <= MARKS);
    for (size_t i = 0; i < pieces->len; i++) {
        PROMISE(pieces->at[i].from < pieces->at[i].until && pieces->at[i].until <= characters);
        PROMISE(i == 0 || pieces->at[i].from >= pieces->at[i - 1].until);
    }
}

static void look(struct arena *arena, struct str query, struct str body)
{
    struct search_text text = search_fold(arena, body), asked = search_fold(arena, query);
    struct search_words words;
    struct search_pieces pieces;

    if (!search_cut_words(&asked, &words)) return;
    struct search_keys keys = search_keys_of_query(arena, &words, STR("ada"), 0);
    if (!search_match(arena, &text, &words, MARKS, &pieces)) return;
    check_pieces(&pieces, utf8_length(body.at, body.len));
    struct search_keys all = search_keys_of_message(arena, &text, (struct id){ { 7 } }, STR("ada"), 0);
    for (size_t i = 0; i < keys.len; i++) PROMISE(has(&all, keys.at[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct arena *arena;
    char *exact = malloc(size ? size : 1); /* so that a byte too far is seen */
    const uint8_t *end = size > 0 ? memchr(data, 0, size) : NULL;
    size_t n = end == NULL ? 0 : (size_t)(end - data);
    struct str query = { (const char *)data, n }, body = { exact, 0 };

    if (arena == NULL) arena = arena_create("fuzz", 64u << 20);
    if (end != NULL) {
        memcpy(exact, end + 1, size - n - 1);
        body.len = size - n - 1;
    }
    if (utf8_is_valid(query.at, query.len) && utf8_is_valid(body.at, body.len)) look(arena, query, body);
    arena_reset(arena);
    free(exact);
    return 0;
}
