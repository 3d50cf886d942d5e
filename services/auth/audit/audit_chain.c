/* audit_chain.c - links of the audit as lines, and whether one follows from the other. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/audit/audit_chain.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/base/hex.h"
#include "libshared/wire/json.h"

#define HASH_BYTES 32
#define HASH_CHARS (2 * HASH_BYTES)

void audit_chain_begin(struct audit_cursor *cursor)
{
    *cursor = (struct audit_cursor){ .n = 0 };
}

void audit_chain_put(struct buf *out, const struct audit_link *link)
{
    buf_printf(out, "{\"n\":%lld,\"hash\":\"%.*s\",\"prev\":\"%.*s\",\"row\":%.*s}", (long long)link->n,
        STR_ARG(link->hash), STR_ARG(link->prev), STR_ARG(link->row));
}

static bool read_hash(struct str line, const char *name, struct str *out)
{
    struct str raw;

    return json_find(line, name, &raw) && json_plain_text(raw, out);
}

/* Parts of the line; row as it stands there. */
static bool read_link(struct str line, struct audit_link *out)
{
    struct str n;

    return json_check(line, JSON_DEPTH_MAX) == JSON_FINE && json_find(line, "n", &n) && str_to_int(n, &out->n) &&
           read_hash(line, "hash", &out->hash) && out->hash.len == HASH_CHARS && read_hash(line, "prev", &out->prev) &&
           (out->prev.len == HASH_CHARS || out->prev.len == 0) && json_find(line, "row", &out->row) && out->n > 0;
}

static bool hash_fits(const struct audit_link *link)
{
    unsigned char prev[HASH_BYTES], told[HASH_BYTES], hash[HASH_BYTES];
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool good = hex_parse(link->prev, prev) && hex_parse(link->hash, told);

    if (md == NULL || EVP_DigestInit_ex(md, EVP_sha256(), NULL) != 1 ||
        EVP_DigestUpdate(md, prev, link->prev.len / 2) != 1 || EVP_DigestUpdate(md, link->row.at, link->row.len) != 1 ||
        EVP_DigestFinal_ex(md, hash, NULL) != 1)
        abort();
    EVP_MD_CTX_free(md);
    return good && memcmp(hash, told, sizeof hash) == 0;
}

/* The row names its own place, so that no link stands for another one. */
static bool row_is_of(const struct audit_link *link)
{
    struct json_in in;
    struct json_open list = { .begun = false };
    struct json_number n = { .whole = false };

    json_begin(&in, link->row, JSON_DEPTH_MAX);
    bool good = json_peek(&in) == '[' && json_open_array(&in, &list) && json_next_item(&in, &list) &&
                json_number(&in, &n) && n.whole && !n.negative && n.magnitude == (uint64_t)link->n;
    json_end(&in);
    return good;
}

static bool link_follows(const struct audit_cursor *cursor, const struct audit_link *link)
{
    if (cursor->n == 0) return (link->n == 1) == (link->prev.len == 0);
    return link->n == cursor->n + 1 && str_is(link->prev, cursor->hash);
}

bool audit_chain_take(struct audit_cursor *cursor, struct str line)
{
    struct audit_link link = { .n = 0 };

    if (cursor->broken != 0) return false;
    if (!read_link(line, &link))
        cursor->broken = -1;
    else if (!link_follows(cursor, &link) || !hash_fits(&link) || !row_is_of(&link))
        cursor->broken = link.n;
    if (cursor->broken != 0) return false;
    cursor->n = link.n;
    memcpy(cursor->hash, link.hash.at, HASH_CHARS);
    cursor->hash[HASH_CHARS] = '\0';
    return true;
}
