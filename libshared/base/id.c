/* id.c - an id as a value, and as text. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/id.h"

#include <endian.h>
#include <string.h>

#include "libshared/base/err.h"
#include "libshared/base/hex.h"

bool id_is_nil(struct id id)
{
    return id_eq(id, (struct id){ { 0 } });
}

bool id_eq(struct id a, struct id b)
{
    return memcmp(a.b, b.b, sizeof a.b) == 0;
}

/* An id is four words, each of eight digits in two halves, which stand here; dashes are between them. */
static const uint8_t places[4][2] = { { 0, 4 }, { 9, 14 }, { 19, 24 }, { 28, 32 } };
static const uint8_t dashes[] = { 8, 13, 18, 23 };

static bool parse_word(const char *text, const uint8_t place[2], uint8_t *out)
{
    uint32_t first, second, bytes;

    memcpy(&first, text + place[0], sizeof first);
    memcpy(&second, text + place[1], sizeof second);
    bool good = hex_bytes(le32toh(first) | (uint64_t)le32toh(second) << 32, &bytes);
    bytes = htole32(bytes);
    memcpy(out, &bytes, sizeof bytes);
    return good;
}

static void format_word(const uint8_t *bytes, const uint8_t place[2], char *out)
{
    uint32_t word;

    memcpy(&word, bytes, sizeof word);
    uint64_t digits = htole64(hex_digits(le32toh(word)));
    memcpy(out + place[0], &digits, 4);
    memcpy(out + place[1], (const char *)&digits + 4, 4);
}

bool id_parse(struct str text, struct id *out)
{
    struct id id;
    bool good = true;

    if (text.len != ID_TEXT_BYTES) return false;
    for (size_t i = 0; i < COUNT(places); i++) good &= parse_word(text.at, places[i], id.b + 4 * i);
    for (size_t i = 0; i < sizeof dashes; i++) good &= text.at[dashes[i]] == '-';
    if (good) *out = id;
    return good;
}

void id_format(struct id id, char out[ID_TEXT_BYTES + 1])
{
    for (size_t i = 0; i < COUNT(places); i++) format_word(id.b + 4 * i, places[i], out);
    for (size_t i = 0; i < sizeof dashes; i++) out[dashes[i]] = '-';
    out[ID_TEXT_BYTES] = '\0';
}
