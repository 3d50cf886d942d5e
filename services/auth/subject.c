/* subject.c - for whom a key may have a token: nobody speaks as somebody else, nor as a part of ours. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/base/id.h"
#include "libshared/base/plain_text.h"
#include "services/auth/auth.h"

#define SUBJECT_CHARS_MAX 120 /* proto/auth.def: token_draft.subject */

/* Names that stand for parts of ours in logs and in the audit, and what their names begin with. */
static const char *const names[] = { "system", "anonymous", "server", "operator", "authctl", "gateway", "auth", "chat",
    "store", "share" };
static const char *const prefixes[] = { "key:", "admin:", "system:", "service:", "server:", "hook:" };

/* Small letters where a look-alike could pass for them: A to Z is enough for names that are ASCII. */
static struct str small(struct arena *arena, struct str text)
{
    char *out = arena_cstr(arena, text);

    for (size_t i = 0; i < text.len; i++)
        if (out[i] >= 'A' && out[i] <= 'Z') out[i] = (char)(out[i] + 32);
    return (struct str){ out, text.len };
}

static bool is_ours(struct str folded)
{
    for (size_t i = 0; i < COUNT(names); i++)
        if (str_is(folded, names[i])) return true;
    for (size_t i = 0; i < COUNT(prefixes); i++)
        if (str_starts(folded, str_of(prefixes[i]))) return true;
    return false;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Where a part of a UUID ends, or the whole: ASCII marks and blanks, or a dash that KC leaves as it is; its bytes. */
static size_t mark_bytes(struct str rest)
{
    static const char *const dashes[] = { "\xe2\x80\x90", "\xe2\x80\x91", "\xe2\x80\x92", "\xe2\x80\x93",
        "\xe2\x80\x94", "\xe2\x80\x95", "\xe2\x88\x92" };
    unsigned char c = (unsigned char)rest.at[0];

    if (c < 0x80) return !((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'));
    for (size_t i = 0; i < COUNT(dashes); i++)
        if (str_starts(rest, str_of(dashes[i]))) return strlen(dashes[i]);
    return 0;
}

/* In braces, as a URN, without its dashes, with others: every text that somebody's parser takes for that UUID. */
static bool read_uuid(struct str folded, struct id *out)
{
    char text[ID_TEXT_BYTES];
    size_t n = 0;

    if (str_starts(folded, STR("urn:"))) folded = str_skip(folded, 4);
    if (str_starts(folded, STR("uuid:"))) folded = str_skip(folded, 5);
    while (folded.len > 0) {
        size_t mark = mark_bytes(folded);
        if (mark == 0) {
            if (!is_hex(folded.at[0]) || n == sizeof text) return false;
            if (n == 8 || n == 13 || n == 18 || n == 23) text[n++] = '-';
            text[n++] = folded.at[0];
            mark = 1;
        }
        folded = str_skip(folded, mark);
    }
    return id_parse((struct str){ text, n }, out);
}

static enum err check_user(struct call *call, const struct key_rights *rights, struct id user, struct str *out)
{
    char text[ID_TEXT_BYTES + 1];

    if (!rights->act_as_users)
        return call_fail(call, ERR_FORBIDDEN,
            "This API key lacks the right act_as_users: a subject that is a UUID is a registered user");
    id_format(user, text);
    *out = arena_str(call->arena, str_of(text));
    return OK;
}

enum err subject_check(
    struct call *call, const struct key_rights *rights, const struct subject_forms *forms, struct str *out)
{
    struct str folded = small(call->arena, forms->folded);
    struct id user;

    if (!text_is_plain(forms->canonical))
        return call_fail(
            call, ERR_INVALID_ARGUMENT, "subject: has a character that is not seen, or begins or ends with a blank");
    if (utf8_length(forms->canonical.at, forms->canonical.len) > SUBJECT_CHARS_MAX)
        return call_fail(
            call, ERR_INVALID_ARGUMENT, "subject: is longer than %d characters in normal form C", SUBJECT_CHARS_MAX);
    if (is_ours(folded)) return call_fail(call, ERR_INVALID_ARGUMENT, "subject: is a name that only the server uses");
    if (read_uuid(folded, &user)) return check_user(call, rights, user, out);
    if (!rights->impersonate)
        return call_fail(call, ERR_FORBIDDEN,
            "This API key lacks the right impersonate: it gets tokens for itself, without a subject, only");
    *out = forms->canonical;
    return OK;
}
