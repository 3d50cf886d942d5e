/* email_syntax.c - an e-mail address into its parts. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/users/email_syntax.h"

#include <idn2.h>
#include <string.h>

#include "libshared/base/plain_text.h"

#define LABEL_MAX  63
#define DOMAIN_MAX 253

/* RFC 5322 3.2.3 atext; RFC 6531 3.3: and all beyond ASCII. */
static bool is_atext(char c)
{
    unsigned char byte = (unsigned char)c;

    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || byte >= 0x80) return true;
    return c != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", c) != NULL;
}

/* Atoms with single dots between them. */
static bool read_dot_string(struct str text)
{
    bool after_dot = true;

    for (size_t i = 0; i < text.len; i++) {
        bool is_dot = text.at[i] == '.';
        if (is_dot ? after_dot : !is_atext(text.at[i])) return false;
        after_dot = is_dot;
    }
    return !after_dot;
}

/* RFC 5321 4.1.2: what is between the quotes, without the backslashes. */
static bool read_quoted(struct arena *arena, struct str text, struct str *out)
{
    char *to = arena_alloc(arena, text.len + 1);
    size_t n = 0;

    if (text.len < 3 || text.at[text.len - 1] != '"') return false;
    for (size_t i = 1; i < text.len - 1; i++) {
        if (text.at[i] == '"') return false;
        if (text.at[i] == '\\' && ++i == text.len - 1) return false;
        to[n++] = text.at[i];
    }
    *out = (struct str){ to, n };
    return n > 0;
}

static bool is_label(struct str label)
{
    if (label.len == 0 || label.len > LABEL_MAX || label.at[0] == '-' || label.at[label.len - 1] == '-') return false;
    for (size_t i = 0; i < label.len; i++) {
        char c = label.at[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-')) return false;
    }
    return true;
}

static bool is_number(struct str label)
{
    for (size_t i = 0; i < label.len; i++)
        if (label.at[i] < '0' || label.at[i] > '9') return false;
    return true;
}

/* RFC 1123 2.1: no top-level domain is a number, as addresses would be domains. */
static bool is_domain(struct str domain)
{
    struct str label = STR_NONE, rest = domain;
    size_t labels = 0;

    for (; rest.at != NULL; labels++) {
        label = str_cut(&rest, '.');
        if (!is_label(label)) return false;
    }
    return domain.len <= DOMAIN_MAX && labels > 1 && !is_number(label);
}

/* What libidn2 lets through as it is, it does not make small. */
static struct str small(struct arena *arena, const char *text)
{
    char *out = arena_cstr(arena, str_of(text));

    for (char *at = out; *at != '\0'; at++)
        if (*at >= 'A' && *at <= 'Z') *at = (char)(*at + ('a' - 'A'));
    return str_of(out);
}

static bool read_domain(struct arena *arena, struct str text, struct str *out)
{
    uint8_t *ascii = NULL;

    if (idn2_lookup_u8((const uint8_t *)arena_cstr(arena, text), &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) !=
        IDN2_OK)
        return false;
    *out = small(arena, (const char *)ascii);
    idn2_free(ascii);
    return is_domain(*out);
}

/* Quotes may hold an @, domains can't. */
static bool find_last_at(struct str text, size_t *at)
{
    for (*at = text.len; *at > 0; (*at)--)
        if (text.at[*at - 1] == '@') break;
    return (*at)-- > 0;
}

const char *email_parse(struct arena *arena, struct str text, struct email_parts *out)
{
    size_t at;

    if (text.len > EMAIL_BYTES_MAX) return "has more than 254 bytes";
    if (!text_is_plain(text)) return "has a character that is not seen, or begins or ends with a blank";
    if (!find_last_at(text, &at)) return "has no @";
    struct str local = { text.at, at };
    if (local.len == 0 || local.len > EMAIL_LOCAL_MAX) return "has not 1 to 64 bytes before its @";
    bool is_quoted = local.at[0] == '"';
    out->local = local;
    if (is_quoted ? !read_quoted(arena, local, &out->local) : !read_dot_string(local))
        return "is no address before its @";
    return read_domain(arena, str_skip(text, at + 1), &out->domain) ? NULL : "names no domain behind its @";
}
