/* token_head.c - the one spelling that a token has, and the key that its head names. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/identity/token_head.h"

#include <string.h>

#include "libshared/base/base64.h"
#include "libshared/base/es256.h"
#include "libshared/wire/json.h"

#define HEAD_CHARS_MAX 512

static bool cut_part(struct str *rest, struct str *part)
{
    size_t dot;

    if (!str_find(*rest, '.', &dot)) return false;
    *part = (struct str){ rest->at, dot };
    *rest = str_skip(*rest, dot + 1);
    return true;
}

static bool is_member(struct json_in *in, struct str name, char kid[TOKEN_KID_CHARS + 1])
{
    bool is_kid = str_is(name, "kid"), is_alg = str_is(name, "alg"), is_type = str_is(name, "typ");
    struct str text;

    if (json_peek(in) != '"' || !json_text(in, &text)) return false;
    if (is_alg || is_type) return str_is(text, is_alg ? "ES256" : "JWT");
    if (!is_kid || text.len == 0 || text.len > TOKEN_KID_CHARS) return false;
    memcpy(kid, text.at, text.len);
    kid[text.len] = '\0';
    return true;
}

/* `alg` and `kid`, and nothing else but `typ`: a key that is given twice is not taken at the door. */
static bool read_members(struct json_in *in, char kid[TOKEN_KID_CHARS + 1])
{
    struct json_open head = { 0 };
    struct str name;
    bool has_alg = false, good = json_peek(in) == '{' && json_open_object(in, &head);

    kid[0] = '\0';
    while (good && json_next_key(in, &head, &name)) {
        has_alg |= str_is(name, "alg");
        good = is_member(in, name, kid);
    }
    return good && has_alg && kid[0] != '\0';
}

static bool read_head(struct str part, char kid[TOKEN_KID_CHARS + 1])
{
    unsigned char text[HEAD_CHARS_MAX];
    struct json_in in;

    if (part.len > HEAD_CHARS_MAX) return false;
    json_begin(&in, (struct str){ (const char *)text, base64url_decode(part, text) }, 1);
    bool good = read_members(&in, kid);
    return json_end(&in) == JSON_FINE && good;
}

bool token_head_read(struct str token, char kid[TOKEN_KID_CHARS + 1])
{
    struct str head, claims, signature = token;

    if (token.len > TOKEN_BYTES_MAX || !cut_part(&signature, &head) || !cut_part(&signature, &claims)) return false;
    if (!base64url_is_canonical(head) || !base64url_is_canonical(claims)) return false;
    return es256_is_canonical(signature) && read_head(head, kid);
}
