/* token_head.c - the one spelling that a token has, and the key that its head names. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/session/token_head.h"

#include <jansson.h>
#include <string.h>

#define HEAD_CHARS_MAX  512
#define SIGNATURE_CHARS 86 /* 64 bytes */

static int base64url_digit(char c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

/* Two or three characters at the end stand for one or two bytes: the bits that are left over have to be zero. */
static bool is_canonical(struct str part)
{
    static const int spare[] = { 0, -1, 15, 3 };

    for (size_t i = 0; i < part.len; i++)
        if (base64url_digit(part.at[i]) < 0) return false;
    if (part.len == 0 || part.len % 4 == 1) return false;
    return (base64url_digit(part.at[part.len - 1]) & spare[part.len % 4]) == 0;
}

static size_t decode(struct str part, char *out)
{
    unsigned bits = 0;
    size_t n = 0;

    for (size_t i = 0; i < part.len; i++) {
        bits = bits << 6 | (unsigned)base64url_digit(part.at[i]);
        if (i % 4 != 0) out[n++] = (char)(bits >> (6 - i % 4 * 2));
    }
    return n;
}

static bool cut_part(struct str *rest, struct str *part)
{
    size_t dot;

    if (!str_find(*rest, '.', &dot)) return false;
    *part = (struct str){ rest->at, dot };
    *rest = str_skip(*rest, dot + 1);
    return true;
}

static bool text_is(const json_t *head, const char *name, const char *wanted)
{
    const char *text = json_string_value(json_object_get(head, name));

    return text != NULL && strcmp(text, wanted) == 0;
}

static bool read_members(const json_t *head, char kid[TOKEN_KID_CHARS + 1])
{
    const json_t *id = json_object_get(head, "kid");
    size_t len = json_string_length(id), known = 2 + (json_object_get(head, "typ") != NULL);

    if (!json_is_string(id) || len == 0 || len > TOKEN_KID_CHARS || json_object_size(head) != known) return false;
    if (!text_is(head, "alg", "ES256") || (known == 3 && !text_is(head, "typ", "JWT"))) return false;
    memcpy(kid, json_string_value(id), len + 1);
    return true;
}

static bool read_head(struct str part, char kid[TOKEN_KID_CHARS + 1])
{
    char text[HEAD_CHARS_MAX];

    if (part.len > HEAD_CHARS_MAX) return false;
    json_t *head = json_loadb(text, decode(part, text), JSON_REJECT_DUPLICATES, NULL);
    bool good = json_is_object(head) && read_members(head, kid);
    json_decref(head);
    return good;
}

bool token_head_read(struct str token, char kid[TOKEN_KID_CHARS + 1])
{
    struct str head, claims, signature = token;

    if (token.len > TOKEN_BYTES_MAX || !cut_part(&signature, &head) || !cut_part(&signature, &claims)) return false;
    if (signature.len != SIGNATURE_CHARS || !is_canonical(signature) || !is_canonical(claims)) return false;
    return is_canonical(head) && read_head(head, kid);
}
