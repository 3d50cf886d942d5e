/* token_head.c - the one spelling that a token has, and the key that its head names. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/identity/token_head.h"

#include <jansson.h>
#include <string.h>

#include "libshared/base/base64.h"
#include "libshared/base/es256.h"

#define HEAD_CHARS_MAX 512

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
    unsigned char text[HEAD_CHARS_MAX];

    if (part.len > HEAD_CHARS_MAX) return false;
    json_t *head = json_loadb((const char *)text, base64url_decode(part, text), JSON_REJECT_DUPLICATES, NULL);
    bool good = json_is_object(head) && read_members(head, kid);
    json_decref(head);
    return good;
}

bool token_head_read(struct str token, char kid[TOKEN_KID_CHARS + 1])
{
    struct str head, claims, signature = token;

    if (token.len > TOKEN_BYTES_MAX || !cut_part(&signature, &head) || !cut_part(&signature, &claims)) return false;
    if (!base64url_is_canonical(head) || !base64url_is_canonical(claims)) return false;
    return es256_is_canonical(signature) && read_head(head, kid);
}
