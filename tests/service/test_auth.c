/* test_auth.c - the auth service's methods against a real PostgreSQL: keys, tokens, refusals, policies, logs. */
// SPDX-License-Identifier: Apache-2.0
#include <jwt.h>
#include <stdio.h>
#include <string.h>

#include "libshared/base/clock.h"
#include "services/auth/tokens/signing_key.h"
#include "tests/service/auth_calls.h"

static int start(void **state)
{
    (void)state;
    auth_calls_start();
    return 0;
}

static int stop(void **state)
{
    (void)state;
    auth_calls_stop();
    return 0;
}

/* Ask a method as the peer that may. */
static enum err ask_as(struct principal who, const char *method, const struct wire_shape *in, const void *req,
    const struct wire_shape *out, void *rep)
{
    struct str name = str_of(method);
    bool gateway =
        str_starts(name, STR("token.")) || str_starts(name, STR("jwks.")) || str_starts(name, STR("key_use."));

    return auth_call(gateway ? "gateway" : "authctl", &who, method, in, req, out, rep);
}

static enum err ask_from(const char *address, const char *method, const struct wire_shape *in, const void *req,
    const struct wire_shape *out, void *rep)
{
    return ask_as((struct principal){ .address = str_of(address) }, method, in, req, out, rep);
}

static enum err ask(
    const char *method, const struct wire_shape *in, const void *req, const struct wire_shape *out, void *rep)
{
    return ask_from("192.0.2.1", method, in, req, out, rep);
}

static struct key_issued issue(struct key_draft draft)
{
    struct key_issued key = { .id = STR_NONE };

    if (draft.policy.at == NULL) draft.policy = STR("chat-client");
    draft.name = STR("test");
    assert_int_equal(ask("key.issue", key_draft_shape(), &draft, key_issued_shape(), &key), OK);
    return key;
}

static enum err token_for(struct token_draft draft, struct token *out)
{
    if (draft.ttl_s == 0) draft.ttl_s = 900;
    return ask("token.issue", token_draft_shape(), &draft, token_shape(), out);
}

static void no_token_before_there_is_a_signing_key(void **state)
{
    (void)state;
    bool changed = false;
    struct token token;
    struct key_issued key = issue((struct key_draft){ .impersonate = true });

    assert_int_equal(token_for((struct token_draft){ .api_key = key.key }, &token), ERR_INTERNAL);
    assert_int_equal(signing_keys_turn(pg, arena, clock_ms() - 1000, 90, 3600, &changed), OK);
    assert_int_equal(pg_commit(pg), OK);
    assert_true(changed);
    assert_int_equal(token_for((struct token_draft){ .api_key = key.key }, &token), OK);
}

#define ALL_MAX 20000

/* From the beginning, page after page: its keys and what has ended. */
static struct trust whole_trust(void)
{
    struct trust all = { .api_keys = { arena_alloc(arena, ALL_MAX * sizeof *all.api_keys.at), 0 },
        .ended = { arena_alloc(arena, ALL_MAX * sizeof *all.ended.at), 0 } };
    struct trust page = { .more = true };

    for (struct trust_position at = { .position = 0 }; page.more;
         at = (struct trust_position){ page.epoch, page.position }) {
        page = (struct trust){ .more = false };
        assert_int_equal(trust_load(pg, arena, &set, &at, &page), OK);
        assert_true(all.api_keys.len + page.api_keys.len <= ALL_MAX && all.ended.len + page.ended.len <= ALL_MAX);
        for (size_t i = 0; i < page.api_keys.len; i++) all.api_keys.at[all.api_keys.len++] = page.api_keys.at[i];
        for (size_t i = 0; i < page.ended.len; i++) all.ended.at[all.ended.len++] = page.ended.at[i];
        if (page.keys.len > 0) all.keys = page.keys;
    }
    pg_rollback(pg);
    return all;
}

static const struct trust_key *find_trust_key(const struct trust *trust, struct str id)
{
    for (size_t i = 0; i < trust->api_keys.len; i++)
        if (str_eq(trust->api_keys.at[i].key, id)) return &trust->api_keys.at[i];
    return NULL;
}

static void verify(struct str token, jwt_t **jwt)
{
    struct trust trust = whole_trust();

    for (size_t i = 0; i < trust.keys.len; i++)
        if (jwt_decode(jwt, arena_cstr(arena, token), (const unsigned char *)trust.keys.at[i].pem.at,
                (int)trust.keys.at[i].pem.len) == 0)
            return;
    fail_msg("no key of the trust verifies the token");
}

static void a_token_verifies_with_the_trust_and_carries_its_claims(void **state)
{
    (void)state;
    struct key_issued key = issue((struct key_draft){ .impersonate = true });
    struct token token;
    jwt_t *jwt = NULL;

    assert_int_equal(
        token_for((struct token_draft){ .api_key = key.key, .subject = STR("ada"), .name = STR("Ada") }, &token), OK);
    assert_true(str_is(token.subject, "ada"));
    assert_true(str_is(token.policy, "chat-client"));
    verify(token.token, &jwt);
    assert_string_equal(jwt_get_grant(jwt, "iss"), "madang-test");
    assert_string_equal(jwt_get_grant(jwt, "aud"), "everyone");
    assert_string_equal(jwt_get_grant(jwt, "sub"), "ada");
    assert_string_equal(jwt_get_grant(jwt, "name"), "Ada");
    assert_true(str_eq(str_of(jwt_get_grant(jwt, "key")), key.id));
    char *act = jwt_get_grants_json(jwt, "act");
    assert_true(str_eq(str_of(act), arena_printf(arena, "{\"sub\":\"key:%.*s\"}", STR_ARG(key.id))));
    free(act);
    assert_int_equal(jwt_get_grant_int(jwt, "exp"), token.expires_at / 1000);
    assert_int_equal(jwt_get_grant_int(jwt, "exp") - jwt_get_grant_int(jwt, "iat"), 900);
    jwt_free(jwt);
}

static void a_key_speaks_for_itself_and_nobody_may_pretend_to(void **state)
{
    (void)state;
    struct key_issued key = issue((struct key_draft){ .impersonate = true }),
                      alone = issue((struct key_draft){ .impersonate = false });
    struct token token;

    assert_int_equal(token_for((struct token_draft){ .api_key = alone.key }, &token), OK);
    assert_true(str_eq(str_skip(token.subject, 4), alone.id));
    assert_int_equal(
        token_for((struct token_draft){ .api_key = alone.key, .subject = STR("ada") }, &token), ERR_FORBIDDEN);
    assert_int_equal(
        token_for((struct token_draft){ .api_key = key.key, .subject = STR("key:x") }, &token), ERR_INVALID_ARGUMENT);
    assert_true(str_is(failure.field, "subject"));
}

/* What becomes of a subject that is asked for; a code of its own where there is none. */
static const char *subject_of(struct str key, struct str subject)
{
    struct token token;
    enum err e = token_for((struct token_draft){ .api_key = key, .subject = subject }, &token);

    return e == OK ? arena_cstr(arena, token.subject) : err_code(e);
}

#define USER     "01a1fcfe-3db8-7efb-9c34-fc5b361312f6"
#define OF_USERS "forbidden"

static const struct {
    const char *asked, *named; /* named: with `impersonate` alone */
    const char *acting;        /* with `act_as_users` too; NULL: the same */
} subject_cases[] = {
    { "ada", "ada", NULL },
    { "Ada Lovelace", "Ada Lovelace", NULL },
    { "e\xcc\x81va", "\xc3\xa9va", NULL }, /* one person, however it is typed */
    { "\xc3\xa9va", "\xc3\xa9va", NULL },
    { USER, OF_USERS, USER },
    { "01A1FCFE-3DB8-7EFB-9C34-FC5B361312F6", OF_USERS, USER },
    { "{01a1fcfe-3db8-7efb-9c34-fc5b361312f6}", OF_USERS, USER },
    { "urn:uuid:01a1fcfe-3db8-7efb-9c34-fc5b361312f6", OF_USERS, USER },
    { "URN:UUID:01A1FCFE-3db8-7efb-9c34-fc5b361312f6", OF_USERS, USER },
    { "01a1fcfe3db87efb9c34fc5b361312f6", OF_USERS, USER },
    { "01a1-fcfe-3db8-7efb-9c34-fc5b-3613-12f6", OF_USERS, USER },
    { "01a1fcfe 3db8 7efb 9c34 fc5b361312f6", OF_USERS, USER },
    { "01a1fcfe\xe2\x80\x90"
      "3db8-7efb-9c34-fc5b361312f6",
        OF_USERS, USER },
    { "\xef\xbc\x90"
      "1a1fcfe-3db8-7efb-9c34-fc5b361312f6",
        OF_USERS, USER }, /* a wide zero */
    { "00000000-0000-0000-0000-000000000000", OF_USERS, "00000000-0000-0000-0000-000000000000" },
    { "user-01a1fcfe-3db8-7efb-9c34-fc5b361312f6", "user-01a1fcfe-3db8-7efb-9c34-fc5b361312f6", NULL },
    { "01a1fcfe-3db8-7efb-9c34-fc5b361312f", "01a1fcfe-3db8-7efb-9c34-fc5b361312f", NULL },
    { "01a1fcfe-3db8-7efb-9c34-fc5b361312f67", "01a1fcfe-3db8-7efb-9c34-fc5b361312f67", NULL },
    { "key:x", "invalid_argument", NULL },
    { "KEY:x", "invalid_argument", NULL },
    { "\xef\xbd\x8b"
      "ey:x",
        "invalid_argument", NULL },                   /* a wide k */
    { "key\xef\xbc\x9ax", "invalid_argument", NULL }, /* a wide colon */
    { "system", "invalid_argument", NULL },
    { "System", "invalid_argument", NULL },
    { "anonymous", "invalid_argument", NULL },
    { "admin:root", "invalid_argument", NULL },
    { "gateway", "invalid_argument", NULL },
    { " ada", "invalid_argument", NULL },
    { "ada ", "invalid_argument", NULL },
    { " ", "invalid_argument", NULL },
    { "ada\n", "invalid_argument", NULL },
    { "a\x1b[31mda", "invalid_argument", NULL },
    { "\xc2\x85"
      "ada",
        "invalid_argument", NULL },
    { "ada\xe2\x80\xae", "invalid_argument", NULL }, /* turns the direction */
    { "a\xe2\x81\xa6"
      "da",
        "invalid_argument", NULL },
    { "a\xe2\x80\x8b"
      "da",
        "invalid_argument", NULL }, /* of no width */
    { "\xef\xbb\xbf"
      "ada",
        "invalid_argument", NULL },
    { "a\xc2\xa0"
      "da",
        "invalid_argument", NULL },
    { "a\xc2\xad"
      "da",
        "invalid_argument", NULL },
    { "a\xef\xbf\xbf", "invalid_argument", NULL },
};

static void nobody_gets_a_token_for_somebody_else(void **state)
{
    (void)state;
    struct key_issued named = issue((struct key_draft){ .impersonate = true }),
                      acting = issue((struct key_draft){ .impersonate = true, .act_as_users = true });

    for (size_t i = 0; i < COUNT(subject_cases); i++) {
        const char *with_right = subject_cases[i].acting != NULL ? subject_cases[i].acting : subject_cases[i].named;
        assert_string_equal(subject_of(named.key, str_of(subject_cases[i].asked)), subject_cases[i].named);
        assert_string_equal(subject_of(acting.key, str_of(subject_cases[i].asked)), with_right);
    }
}

static void the_right_that_is_missing_is_named(void **state)
{
    (void)state;
    struct key_issued none = issue((struct key_draft){ .impersonate = false }),
                      acting = issue((struct key_draft){ .act_as_users = true });

    assert_string_equal(subject_of(none.key, STR("ada")), "forbidden");
    assert_non_null(strstr(arena_cstr(arena, failure.message), "impersonate"));
    assert_string_equal(subject_of(none.key, STR(USER)), "forbidden");
    assert_non_null(strstr(arena_cstr(arena, failure.message), "act_as_users"));
    assert_string_equal(subject_of(acting.key, STR(USER)), USER);
    assert_string_equal(subject_of(acting.key, STR("ada")), "forbidden");
    assert_int_equal(count("SELECT count(*) AS version FROM attempt WHERE key = $1 AND subject = '" USER
                           "' AND result = 'forbidden'",
                         PG_ARGS(pg_text(none.id))),
        1);
}

/* What is 0 here is not said. */
static enum err edit(struct key_edit draft, struct api_key *out)
{
    if (draft.uses == 0) draft.uses = -1;
    if (draft.expires_in_s == 0) draft.expires_in_s = -1;
    return ask("key.edit", key_edit_shape(), &draft, api_key_shape(), out);
}

static size_t bound_in_the_trust(struct str id, bool *subjects)
{
    struct trust trust = whole_trust();
    const struct trust_key *key = find_trust_key(&trust, id);

    if (key == NULL) return 0;
    *subjects = key->subjects;
    return key->networks.len;
}

static void a_key_is_edited_and_the_trust_and_the_audit_say_so(void **state)
{
    (void)state;
    struct str networks[] = { STR("10.0.0.0/8"), STR("192.0.2.0/24") }, right[] = { STR("bind_tokens") },
               two[] = { STR("impersonate"), STR("act_as_users") };
    struct key_issued key = issue((struct key_draft){ .impersonate = true });
    struct api_key now;
    bool subjects = false;

    assert_int_equal(bound_in_the_trust(key.id, &subjects), 0);
    assert_int_equal(
        edit((struct key_edit){ .id = key.id, .networks = { networks, 2 }, .grant = { right, 1 } }, &now), OK);
    assert_true(now.networks.len == 2 && now.bind_tokens && now.impersonate && !now.act_as_users);
    assert_true(bound_in_the_trust(key.id, &subjects) == 2 && subjects);
    assert_int_equal(edit((struct key_edit){ .id = key.id, .deny = { right, 1 } }, &now), OK);
    assert_true(bound_in_the_trust(key.id, &subjects) == 2 && !subjects);
    assert_int_equal(edit((struct key_edit){ .id = key.id, .grant = { two + 1, 1 }, .deny = { two, 1 } }, &now), OK);
    assert_true(now.act_as_users && !now.impersonate && now.networks.len == 2);
    assert_string_equal(subject_of(key.key, STR(USER)), USER);
    assert_int_equal(edit((struct key_edit){ .id = key.id, .anywhere = true }, &now), OK);
    assert_true(now.networks.len == 0 && bound_in_the_trust(key.id, &subjects) == 0);
    assert_int_equal(count("SELECT count(*) AS version FROM audit WHERE what = 'key.edit' AND target = $1"
                           " AND detail->>'id' = $1",
                         PG_ARGS(pg_text(key.id))),
        4);
    assert_int_equal(
        count("SELECT count(*) AS version FROM audit WHERE what = 'key.edit' AND detail->'networks' ? '10.0.0.0/8'"
              " AND detail->'grant' ? 'bind_tokens'",
            PG_NO_ARGS),
        1);
}

static void an_edit_that_makes_no_sense_changes_nothing(void **state)
{
    (void)state;
    struct str network = STR("10.0.0.1/8"), good = STR("10.0.0.0/8"), right = STR("bind_tokens"), fly = STR("fly");
    struct key_issued key = issue((struct key_draft){ .impersonate = true });
    struct key_ref ref = { key.id };
    struct api_key now;

    assert_int_equal(edit((struct key_edit){ .id = key.id, .networks = { &network, 1 } }, &now), ERR_INVALID_ARGUMENT);
    assert_int_equal(edit((struct key_edit){ .id = key.id, .networks = { &good, 1 }, .anywhere = true }, &now),
        ERR_INVALID_ARGUMENT);
    assert_int_equal(edit((struct key_edit){ .id = key.id, .grant = { &fly, 1 } }, &now), ERR_INVALID_ARGUMENT);
    assert_int_equal(edit((struct key_edit){ .id = key.id, .grant = { &right, 1 }, .deny = { &right, 1 } }, &now),
        ERR_INVALID_ARGUMENT);
    assert_int_equal(edit((struct key_edit){ .id = STR("nobody"), .anywhere = true }, &now), ERR_NOT_FOUND);
    assert_int_equal(ask("key.revoke", key_ref_shape(), &ref, api_key_shape(), &now), OK);
    assert_int_equal(edit((struct key_edit){ .id = key.id, .grant = { &right, 1 } }, &now), ERR_NOT_FOUND);
    assert_int_equal(count("SELECT count(*) AS version FROM audit WHERE what = 'key.edit' AND target = $1",
                         PG_ARGS(pg_text(key.id))),
        0);
}

static void only_so_many_keys_are_bound_to_networks(void **state)
{
    (void)state;
    struct str network = STR("10.0.0.0/8");
    struct key_draft draft = {
        .name = STR("x"), .policy = STR("chat-client"), .networks = { &network, 1 }, .impersonate = true
    };
    struct key_issued key;
    bool subjects;

    run("INSERT INTO api_key (id, name, policy, secret, networks, created_at) SELECT 'many' || n, 'x', 'chat-client',"
        " sha256('x'), '{10.0.0.0/8}', now() FROM generate_series(1, 4095 - (SELECT count(*) FROM api_key"
        " WHERE networks <> '{}' AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now()))) n",
        PG_NO_ARGS);
    assert_int_equal(ask("key.issue", key_draft_shape(), &draft, key_issued_shape(), &key), OK);
    assert_int_equal(bound_in_the_trust(key.id, &subjects), 1);
    struct key_edit again = { .id = key.id, .networks = { &network, 1 } };
    struct api_key now;
    assert_int_equal(edit(again, &now), OK); /* it has its place already */
    assert_int_equal(ask("key.issue", key_draft_shape(), &draft, key_issued_shape(), &key), ERR_TOO_LARGE);
    run("DELETE FROM api_key WHERE id LIKE 'many%'", PG_NO_ARGS);
}

static void a_wrong_key_is_invalid_whatever_is_wrong(void **state)
{
    (void)state;
    struct key_issued key = issue((struct key_draft){ .impersonate = true }),
                      other = issue((struct key_draft){ .impersonate = true });
    char *mixed = arena_cstr(arena, key.key);
    struct token token;
    int64_t before = count("SELECT count(*) AS version FROM attempt", PG_NO_ARGS);

    mixed[20] = mixed[20] == 'a' ? 'b' : 'a';
    assert_int_equal(token_for((struct token_draft){ .api_key = str_of(mixed) }, &token), ERR_KEY_INVALID);
    assert_int_equal(token_for((struct token_draft){ .api_key = STR("nonsense") }, &token), ERR_KEY_INVALID);
    assert_int_equal(count("SELECT count(*) AS version FROM attempt", PG_NO_ARGS), before); /* the form was wrong */

    run("DELETE FROM api_key WHERE id = $1", PG_ARGS(pg_text(other.id)));
    assert_int_equal(token_for((struct token_draft){ .api_key = other.key }, &token), ERR_KEY_INVALID);
    run("UPDATE api_key SET secret = sha256('another') WHERE id = $1", PG_ARGS(pg_text(key.id)));
    assert_int_equal(token_for((struct token_draft){ .api_key = key.key }, &token), ERR_KEY_INVALID);
    assert_int_equal(count("SELECT count(*) AS version FROM attempt", PG_NO_ARGS), before + 2);
}

static void a_revoked_key_ends_at_once_and_is_in_the_trust(void **state)
{
    (void)state;
    struct key_issued key = issue((struct key_draft){ .impersonate = true });
    struct key_ref ref = { key.id };
    struct api_key revoked;
    struct token token;

    for (int i = 0; i < 2; i++) { /* again is harmless */
        assert_int_equal(ask("key.revoke", key_ref_shape(), &ref, api_key_shape(), &revoked), OK);
        assert_true(str_is(revoked.state, "revoked"));
    }
    assert_int_equal(token_for((struct token_draft){ .api_key = key.key }, &token), ERR_KEY_REVOKED);
    struct trust trust = whole_trust();
    const struct trust_key *known = find_trust_key(&trust, key.id);
    assert_true(known != NULL && known->revoked && known->until > clock_ms());
    assert_int_equal(count("SELECT count(*) AS version FROM audit WHERE what = 'key.revoke' AND target = $1",
                         PG_ARGS(pg_text(key.id))),
        1);
    ref.id = STR("nobody");
    assert_int_equal(ask("key.revoke", key_ref_shape(), &ref, api_key_shape(), &revoked), ERR_NOT_FOUND);
}

static enum err change(const char *method, struct str id, struct api_key *out)
{
    struct key_ref ref = { id };

    return ask(method, key_ref_shape(), &ref, api_key_shape(), out);
}

static void a_disabled_key_is_refused_until_it_is_enabled_and_the_trust_says_so(void **state)
{
    (void)state;
    struct key_issued key = issue((struct key_draft){ .impersonate = true });
    struct api_key now;
    struct token token;

    for (int i = 0; i < 2; i++) { /* again is harmless */
        assert_int_equal(change("key.disable", key.id, &now), OK);
        assert_true(str_is(now.state, "disabled"));
    }
    assert_int_equal(token_for((struct token_draft){ .api_key = key.key }, &token), ERR_KEY_DISABLED);
    struct trust trust = whole_trust();
    assert_true(find_trust_key(&trust, key.id)->disabled && !find_trust_key(&trust, key.id)->revoked);
    for (int i = 0; i < 2; i++) assert_int_equal(change("key.enable", key.id, &now), OK);
    assert_true(str_is(now.state, "active"));
    assert_int_equal(token_for((struct token_draft){ .api_key = key.key }, &token), OK);
    trust = whole_trust();
    assert_false(find_trust_key(&trust, key.id)->disabled);
    assert_int_equal(
        count("SELECT count(*) AS version FROM audit WHERE target = $1 AND what IN ('key.disable', 'key.enable')",
            PG_ARGS(pg_text(key.id))),
        2);
    assert_int_equal(change("key.revoke", key.id, &now), OK);
    assert_int_equal(change("key.disable", key.id, &now), ERR_NOT_FOUND);
    assert_int_equal(change("key.enable", key.id, &now), ERR_NOT_FOUND);
    assert_int_equal(change("key.disable", STR("nobody"), &now), ERR_NOT_FOUND);
}

static void a_key_that_is_edited_has_another_name_policy_end_and_limits(void **state)
{
    (void)state;
    struct key_issued key = issue((struct key_draft){ .impersonate = true });
    struct key_limit limits[] = { { STR("key_requests"), 5 }, { STR("rooms"), 7 } }, unset = { STR("rooms"), -1 },
                     bad = { STR("nonsense"), 1 };
    struct api_key now;

    assert_int_equal(edit((struct key_edit){ .id = key.id,
                              .name = STR("another"),
                              .policy = STR("read-only"),
                              .expires_in_s = 100,
                              .limits = { limits, 2 } },
                         &now),
        OK);
    assert_true(str_is(now.name, "another") && str_is(now.policy, "read-only") && now.limits.len == 2);
    assert_in_range(now.expires_at, clock_ms() + 90000, clock_ms() + 100000);
    struct trust trust = whole_trust();
    const struct trust_key *known = find_trust_key(&trust, key.id);
    assert_true(
        str_is(known->policy, "read-only") && known->ends_at == now.expires_at && known->until > now.expires_at);
    assert_int_equal(edit((struct key_edit){ .id = key.id, .limits = { &unset, 1 } }, &now), OK);
    assert_true(now.limits.len == 1 && str_is(now.limits.at[0].name, "key_requests") && now.limits.at[0].limit == 5);
    assert_true(str_is(now.name, "another") && now.expires_at > 0); /* what is not said stays */
    assert_int_equal(ask("key.edit", key_edit_shape(),
                         &(struct key_edit){ .id = key.id, .uses = -1, .expires_in_s = 0 }, api_key_shape(), &now),
        OK);
    assert_int_equal(now.expires_at, 0);
    assert_int_equal(edit((struct key_edit){ .id = key.id, .policy = STR("nonsense") }, &now), ERR_INVALID_ARGUMENT);
    assert_int_equal(edit((struct key_edit){ .id = key.id, .limits = { &bad, 1 } }, &now), ERR_INVALID_ARGUMENT);
    assert_int_equal(change("key.get", key.id, &now), OK);
    assert_int_equal(now.limits.len, 1);
    assert_int_equal(change("key.get", STR("nobody"), &now), ERR_NOT_FOUND);
}

/* A gateway that was away when the networks were told has to be told that they are gone, however late it asks. */
static void a_key_that_was_bound_stays_in_the_trust(void **state)
{
    (void)state;
    struct str network = STR("10.0.0.0/8");
    struct key_issued bound = issue((struct key_draft){ .networks = { &network, 1 } }),
                      free = issue((struct key_draft){ .uses = 0 });
    struct api_key now;

    assert_int_equal(edit((struct key_edit){ .id = bound.id, .anywhere = true }, &now), OK);
    assert_int_equal(change("key.disable", bound.id, &now), OK);
    assert_int_equal(change("key.disable", free.id, &now), OK);
    struct trust trust = whole_trust();
    assert_int_equal(find_trust_key(&trust, bound.id)->until, 0);
    assert_in_range(find_trust_key(&trust, free.id)->until, clock_ms() + 86400000, clock_ms() + 86500000);
}

static enum err token_by(const char *kind, struct id request, struct str key)
{
    struct token_draft draft = { .api_key = key, .ttl_s = 900 };
    struct token token;

    return ask_as((struct principal){ .kind = str_of(kind), .request = request, .address = STR("192.0.2.1") },
        "token.issue", token_draft_shape(), &draft, token_shape(), &token);
}

static void a_key_for_so_many_tokens_gets_no_more_and_a_request_that_is_sent_again_takes_nothing(void **state)
{
    (void)state;
    struct key_issued key = issue((struct key_draft){ .uses = 2, .impersonate = true });
    struct id first = id_new();
    struct token token;
    struct api_key now;

    for (int i = 0; i < 3; i++) assert_int_equal(token_by("anonymous", first, key.key), OK);
    assert_int_equal(token_by("service", id_new(), key.key), ERR_KEY_INVALID); /* for REST: it takes nothing */
    assert_int_equal(token_for((struct token_draft){ .api_key = key.key, .subject = STR("key:x") }, &token),
        ERR_INVALID_ARGUMENT); /* nor does what is refused */
    assert_int_equal(change("key.get", key.id, &now), OK);
    assert_true(now.uses_left == 1 && str_is(now.state, "active"));
    assert_int_equal(token_for((struct token_draft){ .api_key = key.key }, &token), OK);
    for (int i = 0; i < 2; i++) assert_int_equal(token_by("anonymous", first, key.key), OK); /* sent again, still */
    struct id late = id_new();
    for (int i = 0; i < 2; i++) assert_int_equal(token_by("anonymous", late, key.key), ERR_KEY_USED_UP);
    assert_int_equal(change("key.get", key.id, &now), OK);
    assert_true(now.uses_left == 0 && str_is(now.state, "used_up"));
    run("UPDATE use_taken SET at = at - interval '2 minutes'", PG_NO_ARGS); /* that is no repeat any more */
    assert_int_equal(token_by("anonymous", first, key.key), ERR_KEY_USED_UP);
    assert_int_equal(edit((struct key_edit){ .id = key.id, .uses = 1 }, &now), OK);
    assert_int_equal(token_by("anonymous", first, key.key), OK);
    assert_int_equal(token_by("anonymous", id_new(), key.key), ERR_KEY_USED_UP);
    assert_int_equal(edit((struct key_edit){ .id = key.id, .any_uses = true }, &now), OK);
    assert_int_equal(now.uses_left, -1);
    assert_int_equal(token_by("service", id_new(), key.key), OK);
    assert_int_equal(edit((struct key_edit){ .id = key.id, .any_uses = true, .uses = 3 }, &now), ERR_INVALID_ARGUMENT);
}

static long issued_at(struct str token)
{
    jwt_t *jwt = NULL;

    verify(token, &jwt);
    long at = jwt_get_grant_int(jwt, "iat");
    jwt_free(jwt);
    return at;
}

/* Tokens say in whole seconds when they were issued: one of the same second must not end with those before. */
static void after_a_logout_tokens_are_of_a_later_second(void **state)
{
    (void)state;
    struct key_issued key = issue((struct key_draft){ .impersonate = true });
    struct token before, after, another;
    struct nothing nothing;

    assert_int_equal(token_for((struct token_draft){ .api_key = key.key, .subject = STR("leaver") }, &before), OK);
    assert_int_equal(
        ask("subject.logout", subject_ref_shape(), &(struct subject_ref){ STR("leaver") }, nothing_shape(), &nothing),
        OK);
    assert_int_equal(token_for((struct token_draft){ .api_key = key.key, .subject = STR("leaver") }, &after), OK);
    assert_int_equal(token_for((struct token_draft){ .api_key = key.key, .subject = STR("stayer") }, &another), OK);
    struct trust trust = whole_trust();
    assert_int_equal(trust.ended.len, 1);
    int64_t ended_s = trust.ended.at[0].ended_at / 1000;
    assert_true(issued_at(before.token) <= ended_s && issued_at(after.token) > ended_s);
    assert_true(issued_at(another.token) <= clock_ms() / 1000);
    assert_int_equal(
        count("SELECT count(*) AS version FROM audit WHERE what = 'subject.logout' AND target = 'leaver'", PG_NO_ARGS),
        1);
}

static void what_is_over_is_nobodys_concern(void **state)
{
    (void)state;
    struct nothing nothing;

    assert_int_equal(
        ask("session.logout", session_ref_shape(), &(struct session_ref){ STR("s1") }, nothing_shape(), &nothing), OK);
    assert_int_equal(pg_run(pg, arena, "UPDATE trust_change SET until = now() - interval '1 s' WHERE kind = 'session'",
                         PG_NO_ARGS, NULL),
        OK);
    assert_int_equal(pg_commit(pg), OK);
    struct trust trust = whole_trust();
    for (size_t i = 0; i < trust.ended.len; i++) assert_int_equal(trust.ended.at[i].session.len, 0);
}

/* Rows of a table that this connection has read since it was asked the last time. */
static int64_t rows_read(const char *table)
{
    static int64_t before;

    assert_int_equal(pg_run(pg, arena, "SELECT pg_stat_force_next_flush()", PG_NO_ARGS, NULL), OK);
    assert_int_equal(pg_commit(pg), OK);
    int64_t now = count("SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) AS version FROM pg_stat_user_tables"
                        " WHERE relname = $1",
        PG_ARGS(pg_text(str_of(table))));
    int64_t read = now - before;

    before = now;
    return read;
}

/* Sessions that ended an hour ago, and whose rows nobody has swept yet. */
static void what_is_over_slows_no_change_that_is_announced(void **state)
{
    (void)state;
    struct trust_position from = { .position = 0 };
    struct trust change = { .more = true };

    run("INSERT INTO trust_change (kind, name, position, ended_at, until, at) SELECT 'session', gen_random_uuid(),"
        " (SELECT position FROM trust_position) + n, now(), now() - interval '1 hour', now()"
        " FROM generate_series(1, 50000) n",
        PG_NO_ARGS);
    run("UPDATE trust_position SET position = position + 50000", PG_NO_ARGS);
    run("ANALYZE trust_change", PG_NO_ARGS);
    while (change.more) {
        change = (struct trust){ .more = false };
        assert_int_equal(trust_load(pg, arena, &set, &from, &change), OK);
        from = (struct trust_position){ change.epoch, change.position };
    }
    rows_read("trust_change");
    for (int i = 0; i < 10; i++) {
        run("SELECT trust_note('session', gen_random_uuid()::text, now(), now() + interval '10 minutes')", PG_NO_ARGS);
        assert_int_equal(trust_load(pg, arena, &set, &from, &change), OK);
        assert_int_equal(change.ended.len, 1);
        assert_int_equal(change.position, from.position + 1);
        from.position = change.position;
    }
    assert_in_range(rows_read("trust_change"), 10, 2000);
    run("DELETE FROM trust_change WHERE kind = 'session'", PG_NO_ARGS);
}

static void an_expired_key_is_expired_and_no_token_outlives_its_key(void **state)
{
    (void)state;
    struct key_issued key = issue((struct key_draft){ .expires_in_s = 60, .impersonate = true });
    struct token token;

    assert_int_equal(token_for((struct token_draft){ .api_key = key.key, .ttl_s = 900 }, &token), OK);
    assert_true(token.expires_at <= key.expires_at);
    assert_true(token.expires_at > key.expires_at - 2000);
    run("UPDATE api_key SET expires_at = now() - interval '1 second' WHERE id = $1", PG_ARGS(pg_text(key.id)));
    assert_int_equal(token_for((struct token_draft){ .api_key = key.key }, &token), ERR_KEY_EXPIRED);
}

static void no_token_lives_longer_than_the_setting(void **state)
{
    (void)state;
    struct key_issued key = issue((struct key_draft){ .impersonate = true });
    struct token token;

    assert_int_equal(token_for((struct token_draft){ .api_key = key.key, .ttl_s = 86400 }, &token), OK);
    assert_true(token.expires_at <= clock_ms() + 3600 * 1000);
}

static void a_key_is_bound_to_its_networks(void **state)
{
    (void)state;
    struct str networks[] = { STR("10.0.0.0/8"), STR("2001:db8::/32") };
    struct key_issued key = issue((struct key_draft){ .networks = { networks, 2 }, .impersonate = true });
    struct token_draft draft = { .api_key = key.key, .ttl_s = 60 };
    struct key_draft bad = { .name = STR("x"), .policy = STR("chat-client"), .networks = { networks, 1 } };
    struct token token;

    assert_int_equal(ask_from("10.1.2.3", "token.issue", token_draft_shape(), &draft, token_shape(), &token), OK);
    assert_int_equal(ask_from("2001:db8::9", "token.issue", token_draft_shape(), &draft, token_shape(), &token), OK);
    assert_int_equal(
        ask_from("192.0.2.1", "token.issue", token_draft_shape(), &draft, token_shape(), &token), ERR_ADDRESS_REFUSED);
    assert_int_equal(
        ask_from("", "token.issue", token_draft_shape(), &draft, token_shape(), &token), ERR_ADDRESS_REFUSED);
    networks[0] = STR("10.0.0.1/8");
    assert_int_equal(ask("key.issue", key_draft_shape(), &bad, key_issued_shape(), &key), ERR_INVALID_ARGUMENT);
    assert_true(str_is(failure.field, "networks"));
}

static void a_rotated_key_has_two_secrets_until_the_grace_ends(void **state)
{
    (void)state;
    struct key_issued old = issue((struct key_draft){ .impersonate = true }), new;
    struct key_rotation rotation = { old.id, 600 };
    struct token token;

    assert_int_equal(ask("key.rotate", key_rotation_shape(), &rotation, key_issued_shape(), &new), OK);
    assert_true(str_eq(old.id, new.id) && !str_eq(old.key, new.key) && new.grace_until > clock_ms());
    assert_int_equal(token_for((struct token_draft){ .api_key = old.key }, &token), OK);
    assert_in_range(token.expires_at, new.grace_until - 999, new.grace_until); /* not the 900 s that it would have */
    assert_int_equal(token_for((struct token_draft){ .api_key = new.key }, &token), OK);
    assert_true(token.expires_at > new.grace_until);

    run("UPDATE api_key SET grace_until = now() - interval '1 second' WHERE id = $1", PG_ARGS(pg_text(old.id)));
    assert_int_equal(token_for((struct token_draft){ .api_key = old.key }, &token), ERR_KEY_INVALID);
    assert_int_equal(token_for((struct token_draft){ .api_key = new.key }, &token), OK);

    rotation.grace_s = 0;
    assert_int_equal(ask("key.rotate", key_rotation_shape(), &rotation, key_issued_shape(), &old), OK);
    assert_int_equal(token_for((struct token_draft){ .api_key = new.key }, &token), ERR_KEY_INVALID);
    assert_int_equal(token_for((struct token_draft){ .api_key = old.key }, &token), OK);
}

static void no_secret_is_stored(void **state)
{
    (void)state;
    struct key_issued key = issue((struct key_draft){ .impersonate = true });
    struct str secret = { key.key.at + 17, 43 };

    assert_int_equal(
        count(
            "SELECT count(*) AS version FROM (SELECT k::text AS t FROM api_key k UNION ALL SELECT a::text FROM audit a"
            " UNION ALL SELECT l::text FROM attempt l) everything WHERE position($1 IN t) > 0",
            PG_ARGS(pg_text(secret))),
        0);
}

static const struct api_key *find_key(const struct key_page *page, struct str id)
{
    for (size_t i = 0; i < page->keys.len; i++)
        if (str_eq(page->keys.at[i].id, id)) return &page->keys.at[i];
    return NULL;
}

static void the_list_shows_keys_and_their_states(void **state)
{
    (void)state;
    const struct key_query newest = { .page = 1, .limit = 1000 };
    struct key_page page;
    struct token token;
    struct str network = STR("10.0.0.0/8");
    struct key_issued used = issue((struct key_draft){ .impersonate = true }),
                      bound = issue((struct key_draft){ .networks = { &network, 1 } });
    struct key_rotation rotation = { bound.id, 60 };

    assert_int_equal(token_for((struct token_draft){ .api_key = used.key }, &token), OK);
    assert_int_equal(ask("key.rotate", key_rotation_shape(), &rotation, key_issued_shape(), &bound), OK);
    assert_int_equal(ask("key.list", key_query_shape(), &newest, key_page_shape(), &page), OK);
    assert_true(str_is(find_key(&page, used.id)->state, "active"));
    assert_true(find_key(&page, used.id)->last_used_at > 0);
    assert_true(str_is(find_key(&page, bound.id)->state, "rotating"));
    assert_true(str_is(find_key(&page, bound.id)->networks.at[0], "10.0.0.0/8"));
    assert_false(find_key(&page, bound.id)->impersonate);
    assert_int_equal(find_key(&page, bound.id)->last_used_at, 0);
}

static void every_token_and_every_refusal_is_noted_and_the_notes_only_grow(void **state)
{
    (void)state;
    struct key_issued key = issue((struct key_draft){ .impersonate = false });
    struct token token;

    assert_int_equal(token_for((struct token_draft){ .api_key = key.key }, &token), OK);
    assert_int_equal(
        token_for((struct token_draft){ .api_key = key.key, .subject = STR("ada") }, &token), ERR_FORBIDDEN);
    assert_int_equal(
        count("SELECT count(*) AS version FROM attempt WHERE key = $1 AND result = 'ok' AND address = '192.0.2.1'"
              " AND subject = 'key:' || $1",
            PG_ARGS(pg_text(key.id))),
        1);
    assert_int_equal(
        count("SELECT count(*) AS version FROM attempt WHERE key = $1 AND result = 'forbidden' AND subject = 'ada'",
            PG_ARGS(pg_text(key.id))),
        1);

    static const char *const changes[] = { "UPDATE attempt SET result = 'ok'", "DELETE FROM attempt",
        "TRUNCATE attempt", "UPDATE audit SET who = 'x'", "DELETE FROM audit", "TRUNCATE audit" };
    for (size_t i = 0; i < COUNT(changes); i++) {
        assert_int_equal(pg_run(pg, arena, changes[i], PG_NO_ARGS, NULL), ERR_INTERNAL);
        assert_non_null(strstr(pg_last_error(pg), "42501"));
        pg_rollback(pg);
    }
}

static enum err tell_minutes(struct id gateway, struct str key, const int64_t uses[3])
{
    int64_t now = clock_ms() / 60000 * 60000;
    struct key_minute minutes[] = { { key, now, uses[0] }, { key, now - 60000, uses[1] }, { key, now, uses[2] },
        { STR("nobody"), now, 7 } };

    return ask("key_use.note", key_minute_batch_shape(),
        &(struct key_minute_batch){ .gateway = gateway, .minutes = { minutes, COUNT(minutes) } }, nothing_shape(),
        &(struct nothing){});
}

static void a_minute_that_a_gateway_tells_again_counts_once(void **state)
{
    (void)state;
    struct key_issued key = issue((struct key_draft){ .impersonate = false });
    struct id one = id_new(), two = id_new();
    struct key_usage_query query = { .id = key.id, .days = 1, .minutes = 10 };
    struct key_usage usage;

    assert_int_equal(tell_minutes(one, key.id, (const int64_t[]){ 3, 1, 2 }), OK);
    assert_int_equal(tell_minutes(one, key.id, (const int64_t[]){ 5, 1, 5 }), OK);
    assert_int_equal(tell_minutes(one, key.id, (const int64_t[]){ 4, 1, 1 }), OK); /* it came late */
    assert_int_equal(tell_minutes(two, key.id, (const int64_t[]){ 10, 1, 1 }), OK);
    assert_int_equal(ask("key.usage", key_usage_query_shape(), &query, key_usage_shape(), &usage), OK);
    assert_int_equal(usage.uses.len, 2);
    assert_int_equal(usage.uses.at[0].count, 15);
    assert_int_equal(usage.uses.at[1].count, 2);
    assert_int_equal(
        count("SELECT count(*) AS version FROM key_minute WHERE key = $1", PG_ARGS(pg_text(STR("nobody")))), 0);
}

static void the_audit_chain_is_whole_and_shows_a_forgery(void **state)
{
    (void)state;
    issue((struct key_draft){ .impersonate = true });
    assert_int_equal(count("SELECT coalesce(audit_broken(), 0) AS version", PG_NO_ARGS), 0);

    assert_int_equal(pg_run(pg, arena, "ALTER TABLE audit DISABLE TRIGGER audit_only_grows", PG_NO_ARGS, NULL), OK);
    assert_int_equal(pg_run(pg, arena, "UPDATE audit SET target = 'another' WHERE n = 2", PG_NO_ARGS, NULL), OK);
    struct policy row = { .version = 0 };
    assert_int_equal(pg_one(pg, arena, policy_shape(), &row, "SELECT audit_broken() AS version", PG_NO_ARGS), OK);
    assert_int_equal(row.version, 2);
    pg_rollback(pg);
}

static enum err put(const char *name, struct str effect, int64_t version, struct policy *out)
{
    struct str events[] = { STR("message:*") };
    struct policy_rule rule = { .effect = effect, .events = { events, 1 } };
    struct policy draft = { str_of(name), version, { &rule, 1 } };

    return ask("policy.put", policy_shape(), &draft, policy_shape(), out);
}

static void a_policy_counts_its_changes(void **state)
{
    (void)state;
    struct policy policy;

    assert_int_equal(put("mine", STR("allow"), 0, &policy), OK);
    assert_int_equal(policy.version, 1);
    assert_int_equal(put("mine", STR("allow"), 0, &policy), OK);
    assert_int_equal(policy.version, 1); /* a repetition changes nothing */
    assert_int_equal(put("mine", STR("deny"), 1, &policy), OK);
    assert_int_equal(policy.version, 2);
    assert_int_equal(put("mine", STR("allow"), 1, &policy), ERR_CONFLICT);
    assert_true(str_is(failure.field, "version"));
    assert_int_equal(put("mine", STR("maybe"), 0, &policy), ERR_INVALID_ARGUMENT);
    assert_true(str_is(failure.field, "rules"));
}

static bool explained_of(
    const char *policy, const char *namespace, const char *event, const char *action, struct policy_verdict *out)
{
    struct policy_case req = { .policy = str_of(policy),
        .namespace = str_of(namespace),
        .event = str_of(event),
        .action = str_of(action),
        .subject = STR("ada") };

    assert_int_equal(ask("policy.explain", policy_case_shape(), &req, policy_verdict_shape(), out), OK);
    return out->allowed;
}

static bool explained(const char *policy, const char *namespace, const char *action, struct policy_verdict *out)
{
    return explained_of(policy, namespace, "message:send", action, out);
}

static void the_first_policies_allow_what_their_names_say(void **state)
{
    (void)state;
    struct policy_verdict verdict;

    assert_true(explained("chat-client", "/notification", "connect", &verdict));
    assert_int_equal(verdict.rule, 0);
    assert_true(explained("chat-client", "/chat", "emit", &verdict));
    assert_int_equal(verdict.rule, 1);
    assert_true(explained("chat-client", "/notification", "emit", &verdict));
    assert_true(explained("member", "/notification", "subscribe", &verdict));
    assert_false(explained("read-only", "/notification", "emit", &verdict));
    assert_int_equal(verdict.rule, -1);
    assert_false(explained("chat-client", "/chat", "admin", &verdict));
    assert_true(explained("chat-backend", "/anything", "admin", &verdict));
    assert_false(explained("chat-backend", "/account", "emit", &verdict));
    assert_false(explained("chat-backend", "/admin", "admin", &verdict));
    assert_true(explained("read-only", "/chat", "history", &verdict));
    assert_false(explained("read-only", "/chat", "emit", &verdict));
    assert_true(explained("member", "/account", "emit", &verdict));
    assert_true(explained("chat-client", "/share", "emit", &verdict));
    assert_true(explained("chat-client", "/media", "emit", &verdict));
    assert_false(explained("chat-client", "/account", "emit", &verdict));
    assert_false(explained("read-only", "/media", "emit", &verdict));
    assert_false(explained("member", "/admin", "admin", &verdict));
    assert_true(explained("admin", "/admin", "admin", &verdict));
}

static void the_first_policies_name_what_is_published(void **state)
{
    (void)state;
    static const char *const who[] = { "chat-client", "chat-backend", "member", "admin" };
    struct policy_verdict verdict;

    for (size_t i = 0; i < COUNT(who); i++) {
        assert_true(explained_of(who[i], "/chat", "typing", "publish", &verdict));
        assert_true(explained_of(who[i], "/chat", "app:anything", "publish", &verdict));
        assert_false(explained_of(who[i], "/chat", "anything", "publish", &verdict));
        assert_non_null(strstr(arena_cstr(arena, verdict.reason), "publish among its actions"));
    }
    assert_false(explained_of("read-only", "/chat", "typing", "publish", &verdict));
}

/* The migration as it stands, statement by statement. */
static void migrate_again(const char *path)
{
    char *text = arena_alloc(arena, 65536);
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    text[fread(text, 1, 65535, file)] = '\0';
    fclose(file);
    for (char *end; (end = strstr(text, ";\n")) != NULL; text = end + 2) {
        *end = '\0';
        run(text, PG_NO_ARGS);
    }
}

static void a_policy_that_was_changed_stays_when_the_first_ones_are_renewed(void **state)
{
    (void)state;
    static const char OLD[] =
        "[{\"effect\": \"allow\", \"namespaces\": [\"/\", \"/chat\", \"/notification\", \"/error\"],"
        " \"actions\": [\"connect\"]}, {\"effect\": \"allow\", \"namespaces\": [\"/chat\"],"
        " \"actions\": [\"emit\", \"subscribe\", \"publish\", \"history\"]}]";
    static const char COUNT_OF_RULES[] =
        "SELECT jsonb_array_length(rules) AS version FROM policy WHERE name = 'chat-client'";

    run("UPDATE policy SET rules = '[]' WHERE name IN ('chat-client', 'member')", PG_NO_ARGS);
    migrate_again("migrations/auth/0003_named_events.sql");
    assert_int_equal(count(COUNT_OF_RULES, PG_NO_ARGS), 0);
    run("UPDATE policy SET rules = $1::jsonb WHERE name = 'chat-client'", PG_ARGS(pg_text(str_of(OLD))));
    migrate_again("migrations/auth/0003_named_events.sql");
    assert_int_equal(count(COUNT_OF_RULES, PG_NO_ARGS), 3);
    assert_int_equal(
        count("SELECT jsonb_array_length(rules) AS version FROM policy WHERE name = 'member'", PG_NO_ARGS), 0);
}

/* How often a namespace stands in the rules of a policy. */
static int64_t mentions(const char *policy, const char *namespace)
{
    static const char MENTIONS[] =
        "SELECT count(*) AS version FROM policy, jsonb_array_elements(rules) rule,"
        " jsonb_array_elements_text(rule->'namespaces') namespace WHERE name = $1 AND namespace = $2";

    return count(MENTIONS, PG_ARGS(pg_text(str_of(policy)), pg_text(str_of(namespace))));
}

static void set_rules(const char *policy, const char *rules)
{
    static const char SET_RULES[] = "INSERT INTO policy (name, rules) VALUES ($1, $2::jsonb)"
                                    " ON CONFLICT (name) DO UPDATE SET rules = excluded.rules";

    run(SET_RULES, PG_ARGS(pg_text(str_of(policy)), pg_text(str_of(rules))));
}

static void what_policies_said_of_conversations_in_chat_they_say_in_share(void **state)
{
    (void)state;
    static const struct {
        const char *name, *rules;
        int64_t shares;
    } cases[] = {
        { "custom", "[{\"effect\":\"allow\",\"namespaces\":[\"/chat\"],\"actions\":[\"emit\"]}]", 1 },
        { "denies", "[{\"effect\":\"deny\",\"namespaces\":[\"/ch*\"],\"events\":[\"conversation:*\"]}]", 1 },
        { "hears", "[{\"effect\":\"allow\",\"namespaces\":[\"/chat\"],\"actions\":[\"subscribe\"]}]", 0 },
        { "rooms", "[{\"effect\":\"allow\",\"namespaces\":[\"/chat\"],\"events\":[\"room:*\"],\"actions\":[\"emit\"]}]",
            0 },
        { "all", "[{\"effect\":\"allow\",\"namespaces\":[\"/*\"],\"actions\":[\"emit\"]}]", 0 },
        { "wide",
            "[{\"effect\":\"deny\",\"namespaces\":[\"/chat\",\"/2\",\"/3\",\"/4\",\"/5\",\"/6\",\"/7\",\"/8\",\"/9\","
            "\"/10\",\"/11\",\"/12\",\"/13\",\"/14\",\"/15\",\"/16\"]}]",
            1 },
    };

    for (size_t i = 0; i < COUNT(cases); i++) set_rules(cases[i].name, cases[i].rules);
    migrate_again("migrations/auth/0007_namespaces_of_routes.sql");
    for (size_t i = 0; i < COUNT(cases); i++) assert_int_equal(mentions(cases[i].name, "/share"), cases[i].shares);
    assert_int_equal(mentions("wide", "/16"), 1);
}

static void a_cap_is_checked_and_goes_into_the_token(void **state)
{
    (void)state;
    struct key_issued key = issue((struct key_draft){ .impersonate = true });
    struct str actions[] = { STR("emit") }, rooms[48];
    struct policy_rule rule = { .effect = STR("allow"), .actions = { actions, 1 } };
    struct token_draft draft = { .api_key = key.key, .cap = { &rule, 1 } };
    struct token token;
    jwt_t *jwt = NULL;

    assert_int_equal(token_for(draft, &token), OK);
    verify(token.token, &jwt);
    char *cap = jwt_get_grants_json(jwt, "cap");
    assert_string_equal(cap, "[{\"actions\":[\"emit\"],\"effect\":\"allow\"}]");
    free(cap);
    jwt_free(jwt);

    actions[0] = STR("fly");
    assert_int_equal(token_for(draft, &token), ERR_INVALID_ARGUMENT);
    assert_true(str_is(failure.field, "cap"));
    actions[0] = STR("emit");
    for (size_t i = 0; i < COUNT(rooms); i++)
        rooms[i] = STR("a-room-with-a-name-that-is-long-enough-to-fill-a-token-when-there-are-many-of-it");
    rule.rooms = (struct str_list){ rooms, COUNT(rooms) };
    assert_int_equal(token_for(draft, &token), ERR_TOO_LARGE);
}

static void an_unknown_policy_gets_no_key(void **state)
{
    (void)state;
    struct key_draft draft = { .name = STR("x"), .policy = STR("nobody") };
    struct key_issued key;

    assert_int_equal(ask("key.issue", key_draft_shape(), &draft, key_issued_shape(), &key), ERR_INVALID_ARGUMENT);
    assert_true(str_is(failure.field, "policy"));
}

static void signing_keys_turn_over_with_an_overlap(void **state)
{
    (void)state;
    const int64_t day = 86400000, later = clock_ms() + 91 * day;
    struct key_issued key = issue((struct key_draft){ .impersonate = true });
    struct nothing nothing;
    struct jwks jwks;
    struct token token;
    jwt_t *jwt = NULL;
    bool changed;

    assert_int_equal(signing_keys_turn(pg, arena, later - 2 * day, 90, 3600, &changed), OK);
    assert_false(changed);
    assert_int_equal(signing_keys_turn(pg, arena, later, 90, 3600, &changed), OK);
    assert_true(changed);
    assert_int_equal(pg_commit(pg), OK);

    assert_int_equal(token_for((struct token_draft){ .api_key = key.key }, &token),
        OK); /* the old one signs: the new one's time has not come */
    verify(token.token, &jwt);
    jwt_free(jwt);
    assert_int_equal(count("SELECT count(*) AS version FROM signing_key WHERE sealed IS NOT NULL", PG_NO_ARGS), 2);
    assert_int_equal(ask("jwks.get", nothing_shape(), &nothing, jwks_shape(), &jwks), OK);
    assert_int_equal((unsigned char)jwks.keys.at[0], 0x92); /* a list of two */

    assert_int_equal(signing_keys_turn(pg, arena, later + day, 90, 3600, &changed), OK);
    assert_false(changed);
    assert_int_equal(pg_commit(pg), OK);
    assert_int_equal(count("SELECT count(*) AS version FROM signing_key WHERE sealed IS NOT NULL", PG_NO_ARGS), 1);
}

static int64_t plain_keys(void)
{
    return count("SELECT count(*) AS version FROM signing_key WHERE private_pem IS NOT NULL", PG_NO_ARGS);
}

static void a_signing_key_that_lies_there_as_it_is_is_sealed_and_turned_over(void **state)
{
    struct key_issued key = issue((struct key_draft){ .impersonate = true });
    struct str private_pem, public_pem;
    struct token token;
    struct jwk jwk;
    jwt_t *jwt = NULL;
    bool changed;

    (void)state;
    run("DELETE FROM signing_key", PG_NO_ARGS);
    signing_key_make(arena, &private_pem, &public_pem);
    assert_true(signing_key_jwk(public_pem, &jwk));
    run("INSERT INTO signing_key (kid, private_pem, public_pem, created_at, active_at) VALUES ($1, $2, $3, $4, $4)",
        PG_ARGS(pg_text(str_of(jwk.kid)), pg_text(private_pem), pg_text(public_pem), pg_time(clock_ms() - 1000)));
    assert_int_equal(plain_keys(), 1);
    assert_int_equal(signing_keys_turn(pg, arena, clock_ms(), 90, 3600, &changed), OK);
    assert_int_equal(pg_commit(pg), OK);
    assert_true(changed);
    assert_int_equal(plain_keys(), 0);
    assert_int_equal(count("SELECT count(*) AS version FROM signing_key WHERE sealed IS NOT NULL", PG_NO_ARGS), 2);
    assert_int_equal(
        token_for((struct token_draft){ .api_key = key.key }, &token), OK); /* it signs for its last minute */
    verify(token.token, &jwt);
    jwt_free(jwt);
    assert_int_equal(signing_keys_turn(pg, arena, clock_ms(), 90, 3600, &changed), OK);
    assert_int_equal(pg_commit(pg), OK);
    assert_false(changed);
}

/* Moved to another row, sealed is another's. */
static void a_sealed_key_signs_in_its_own_row_alone(void **state)
{
    struct key_issued key = issue((struct key_draft){ .impersonate = true });
    struct token token;

    (void)state;
    run("UPDATE signing_key SET kid = 'elsewhere-' || kid", PG_NO_ARGS);
    assert_int_equal(token_for((struct token_draft){ .api_key = key.key }, &token), ERR_INTERNAL);
    run("UPDATE signing_key SET kid = substr(kid, 11)", PG_NO_ARGS);
    assert_int_equal(token_for((struct token_draft){ .api_key = key.key }, &token), OK);
}

static void signing_keys_are_rotated_one_at_a_time_and_no_more_than_gateways_know(void **state)
{
    static const struct nothing nothing;
    struct signing_key_page page;

    (void)state;
    run("DELETE FROM signing_key", PG_NO_ARGS);
    bool changed;
    assert_int_equal(signing_keys_turn(pg, arena, clock_ms() - 1000, 90, 3600, &changed), OK);
    assert_int_equal(pg_commit(pg), OK);
    for (int i = 0; i < 14; i++) {
        assert_int_equal(ask("signing_key.rotate", nothing_shape(), &nothing, signing_key_page_shape(), &page), OK);
        assert_int_equal(page.signing_keys.len, i + 2);
        assert_true(str_is(page.signing_keys.at[0].state, "next"));
        assert_true(str_is(page.signing_keys.at[1].state, "active"));
        assert_int_equal(
            ask("signing_key.rotate", nothing_shape(), &nothing, signing_key_page_shape(), &page), ERR_CONFLICT);
        run("UPDATE signing_key SET active_at = active_at - interval '61 seconds'", PG_NO_ARGS);
    }
    assert_int_equal(
        ask("signing_key.rotate", nothing_shape(), &nothing, signing_key_page_shape(), &page), ERR_CONFLICT);
    assert_int_equal(ask("signing_key.list", nothing_shape(), &nothing, signing_key_page_shape(), &page), OK);
    assert_true(str_is(page.signing_keys.at[0].state, "active"));
    assert_true(str_is(page.signing_keys.at[14].state, "former"));
    assert_int_equal(whole_trust().keys.len, 15);
    run("UPDATE signing_key SET retires_at = now() - interval '1 hour' WHERE retires_at IS NOT NULL", PG_NO_ARGS);
    assert_int_equal(ask("signing_key.list", nothing_shape(), &nothing, signing_key_page_shape(), &page), OK);
    assert_true(str_is(page.signing_keys.at[14].state, "retired"));
}

static void a_lost_database_is_unavailable_and_the_next_call_works(void **state)
{
    (void)state;
    const struct key_query newest = { .page = 1, .limit = 1000 };
    struct key_page page;

    pg_cluster_run("restart");
    assert_int_equal(ask("key.list", key_query_shape(), &newest, key_page_shape(), &page), OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_over_slows_no_change_that_is_announced),
        cmocka_unit_test(no_token_before_there_is_a_signing_key),
        cmocka_unit_test(a_token_verifies_with_the_trust_and_carries_its_claims),
        cmocka_unit_test(a_key_speaks_for_itself_and_nobody_may_pretend_to),
        cmocka_unit_test(nobody_gets_a_token_for_somebody_else),
        cmocka_unit_test(the_right_that_is_missing_is_named),
        cmocka_unit_test(a_key_is_edited_and_the_trust_and_the_audit_say_so),
        cmocka_unit_test(an_edit_that_makes_no_sense_changes_nothing),
        cmocka_unit_test(only_so_many_keys_are_bound_to_networks),
        cmocka_unit_test(a_wrong_key_is_invalid_whatever_is_wrong),
        cmocka_unit_test(a_revoked_key_ends_at_once_and_is_in_the_trust),
        cmocka_unit_test(a_disabled_key_is_refused_until_it_is_enabled_and_the_trust_says_so),
        cmocka_unit_test(a_key_that_is_edited_has_another_name_policy_end_and_limits),
        cmocka_unit_test(a_key_that_was_bound_stays_in_the_trust),
        cmocka_unit_test(a_key_for_so_many_tokens_gets_no_more_and_a_request_that_is_sent_again_takes_nothing),
        cmocka_unit_test(after_a_logout_tokens_are_of_a_later_second),
        cmocka_unit_test(what_is_over_is_nobodys_concern),
        cmocka_unit_test(an_expired_key_is_expired_and_no_token_outlives_its_key),
        cmocka_unit_test(no_token_lives_longer_than_the_setting),
        cmocka_unit_test(a_key_is_bound_to_its_networks),
        cmocka_unit_test(a_rotated_key_has_two_secrets_until_the_grace_ends),
        cmocka_unit_test(no_secret_is_stored),
        cmocka_unit_test(the_list_shows_keys_and_their_states),
        cmocka_unit_test(every_token_and_every_refusal_is_noted_and_the_notes_only_grow),
        cmocka_unit_test(a_minute_that_a_gateway_tells_again_counts_once),
        cmocka_unit_test(the_audit_chain_is_whole_and_shows_a_forgery),
        cmocka_unit_test(a_policy_counts_its_changes),
        cmocka_unit_test(the_first_policies_allow_what_their_names_say),
        cmocka_unit_test(the_first_policies_name_what_is_published),
        cmocka_unit_test(a_policy_that_was_changed_stays_when_the_first_ones_are_renewed),
        cmocka_unit_test(what_policies_said_of_conversations_in_chat_they_say_in_share),
        cmocka_unit_test(a_cap_is_checked_and_goes_into_the_token),
        cmocka_unit_test(an_unknown_policy_gets_no_key),
        cmocka_unit_test(signing_keys_turn_over_with_an_overlap),
        cmocka_unit_test(a_signing_key_that_lies_there_as_it_is_is_sealed_and_turned_over),
        cmocka_unit_test(a_sealed_key_signs_in_its_own_row_alone),
        cmocka_unit_test(signing_keys_are_rotated_one_at_a_time_and_no_more_than_gateways_know),
        cmocka_unit_test(a_lost_database_is_unavailable_and_the_next_call_works),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
