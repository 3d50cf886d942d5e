/* claims.c - what providers answer, each in its own words.  An e-mail is verified where it says true, and nothing like it. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/oauth/claims.h"

#include "libshared/wire/json.h"
#include "services/auth/users/email_syntax.h"

#define DEPTH_MAX 16

static bool is_json(struct str text, char begins)
{
    return text.len > 0 && text.at[0] == begins && json_check(text, DEPTH_MAX) == JSON_FINE;
}

static struct str text_of(struct arena *arena, struct str object, const char *name)
{
    struct str text;

    return json_find_text(object, name, arena, &text) && text.len > 0 ? text : STR_NONE;
}

static bool is_true(struct str object, const char *name)
{
    struct str raw;

    return json_find(object, name, &raw) && str_is(raw, "true");
}

static struct str email_of(struct arena *arena, struct str object)
{
    struct str email = text_of(arena, object, "email");

    return email.len <= EMAIL_BYTES_MAX ? email : STR_NONE;
}

/* A whole number, as a text: the same for ever. */
static bool read_number(struct str object, const char *name, struct str *out)
{
    int64_t n;

    return json_find(object, name, out) && str_to_int(*out, &n) && n > 0;
}

bool claims_read_oidc(struct arena *arena, struct str json, struct oauth_claims *out)
{
    *out = (struct oauth_claims){ .email_verified = false };
    if (!is_json(json, '{')) return false;
    out->subject = text_of(arena, json, "sub");
    out->email = email_of(arena, json);
    out->email_verified = out->email.at != NULL && is_true(json, "email_verified");
    out->nickname = text_of(arena, json, "preferred_username");
    if (out->nickname.at == NULL) out->nickname = text_of(arena, json, "nickname");
    out->name = text_of(arena, json, "name");
    return out->subject.len > 0 && out->subject.len <= SUBJECT_BYTES_MAX;
}

/* An address that was another's before is "valid" no more, though it was verified. */
bool claims_read_kakao(struct arena *arena, struct str json, struct oauth_claims *out)
{
    struct str account, profile;

    *out = (struct oauth_claims){ .email_verified = false };
    if (!is_json(json, '{') || !read_number(json, "id", &out->subject)) return false;
    if (!json_find(json, "kakao_account", &account)) return true;
    out->email = email_of(arena, account);
    out->email_verified =
        out->email.at != NULL && is_true(account, "is_email_valid") && is_true(account, "is_email_verified");
    if (json_find(account, "profile", &profile)) out->nickname = out->name = text_of(arena, profile, "nickname");
    return true;
}

/* The `email` of /user is what they show to others; the verified ones are in the list. */
static void read_primary(struct arena *arena, struct str emails, struct oauth_claims *out)
{
    struct json_open array = { 0 };
    struct json_in in;
    struct str item;

    json_begin(&in, emails, DEPTH_MAX);
    if (json_open_array(&in, &array))
        while (json_next_item(&in, &array) && json_skip(&in, &item))
            if (is_true(item, "primary")) {
                out->email = email_of(arena, item);
                out->email_verified = out->email.at != NULL && is_true(item, "verified");
            }
    json_end(&in);
}

bool claims_read_github(struct arena *arena, struct str user, struct str emails, struct oauth_claims *out)
{
    *out = (struct oauth_claims){ .email_verified = false };
    if (!is_json(user, '{') || !is_json(emails, '[') || !read_number(user, "id", &out->subject)) return false;
    out->nickname = text_of(arena, user, "login");
    out->name = text_of(arena, user, "name");
    read_primary(arena, emails, out);
    return true;
}
