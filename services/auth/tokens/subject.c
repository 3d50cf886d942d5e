/* subject.c - for whom a key may have a token: nobody speaks as somebody else, nor as a part of ours. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/base/hex.h"
#include "libshared/base/id.h"
#include "libshared/base/plain_text.h"
#include "libshared/db/rows.h"
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
            if (hex_digit(folded.at[0]) < 0 || n == sizeof text) return false;
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
    if (!rights->act_as_users)
        return call_fail(call, ERR_FORBIDDEN,
            "This API key lacks the right act_as_users: a subject that is a UUID is a registered user");
    *out = id_text(call->arena, user);
    return OK;
}

static enum err check_text(struct call *call, struct str canonical)
{
    if (!text_is_plain(canonical))
        return call_fail(
            call, ERR_INVALID_ARGUMENT, "subject: has a character that is not seen, or begins or ends with a blank");
    if (utf8_length(canonical.at, canonical.len) > SUBJECT_CHARS_MAX)
        return call_fail(
            call, ERR_INVALID_ARGUMENT, "subject: is longer than %d characters in normal form C", SUBJECT_CHARS_MAX);
    return OK;
}

enum err subject_check(
    struct call *call, const struct key_rights *rights, const struct subject_forms *forms, struct str *out)
{
    struct str folded = small(call->arena, forms->folded);
    struct id user;

    TRY(check_text(call, forms->canonical));
    if (is_ours(folded)) return call_fail(call, ERR_INVALID_ARGUMENT, "subject: is a name that only the server uses");
    if (read_uuid(folded, &user)) return check_user(call, rights, user, out);
    if (!rights->impersonate)
        return call_fail(call, ERR_FORBIDDEN,
            "This API key lacks the right impersonate: it gets tokens for itself, without a subject, only");
    *out = forms->canonical;
    return OK;
}

static const struct wire_field forms_fields[] = {
    ROW_FIELD(struct subject_forms, canonical, TEXT),
    ROW_FIELD(struct subject_forms, folded, TEXT),
    ROW_END,
};
static const struct wire_shape forms_shape = { "subject_forms", "", sizeof(struct subject_forms), forms_fields };

static const char NORMAL_FORMS[] = "SELECT normalize($1, NFC) AS canonical, normalize($1, NFKC) AS folded";

enum err subject_spell(struct call *call, struct str typed, struct str *out)
{
    struct subject_forms forms;
    struct id user;

    *out = typed;
    if (typed.len == 0) return OK;
    TRY(pg_one(call->pg, call->arena, &forms_shape, &forms, NORMAL_FORMS, PG_ARGS(pg_text(typed))));
    TRY(check_text(call, forms.canonical));
    *out = forms.canonical;
    if (read_uuid(small(call->arena, forms.folded), &user)) *out = id_text(call->arena, user);
    return OK;
}

struct str id_text(struct arena *arena, struct id id)
{
    char text[ID_TEXT_BYTES + 1];

    id_format(id, text);
    return arena_str(arena, str_of(text));
}
