/* test_ways.c - every way in: what comes of it is on record, whoever is banned gets nothing by it, and no secret is good at
 * another's door. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "libshared/base/clock.h"
#include "services/auth/factors/factors.h"
#include "services/auth/keys/keys.h"
#include "services/auth/oauth/sha256.h"
#include "services/auth/sealed/auth_columns.h"
#include "services/auth/sessions/sessions.h"
#include "services/auth/single_use/single_use.h"
#include "services/auth/tokens/signing_key.h"
#include "tests/service/auth_calls.h"

#define VERIFIER "a-verifier-of-at-least-forty-three-characters"

static struct id user; /* a new one for each way */
static struct principal nobody = { .address = STR("192.0.2.1"), .agent = STR("a browser") };

static int start(void **state)
{
    bool changed;

    (void)state;
    auth_calls_start();
    set.smtp_url = "smtp://127.0.0.1:1"; /* nobody sends what is put */
    set.mail_from = "m@x.org";
    set.mails_per_hour = 1000;
    assert_int_equal(signing_keys_turn(pg, arena, clock_ms() - 1000, 90, 3600, &changed), OK);
    assert_int_equal(pg_commit(pg), OK);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    auth_calls_stop();
    return 0;
}

static void make_user(void)
{
    user = id_new();
    run("INSERT INTO account (id, email, email_key, email_verified_at, nickname, nickname_key, created_at, changed_at)"
        " VALUES ($1, $1::text || '@x.org', $1::text || '@x.org', now(), left($1::text, 32), $1::text, now(), now())",
        PG_ARGS(pg_id(user)));
}

static struct str email_of(void)
{
    return arena_printf(arena, "%.*s@x.org", STR_ARG(id_text(arena, user)));
}

static struct str secret_of(const struct single_use_purpose *purpose, const void *data)
{
    struct str secret;

    assert_int_equal(
        single_use_make(pg, arena, purpose, &(struct single_use_draft){ .account = user }, data, &secret), OK);
    assert_int_equal(pg_commit(pg), OK);
    return secret;
}

/* --- the ways --- */

/* What a way takes: made anew for each time. */
struct way_proof {
    struct str secret, other; /* a flow and its code, a session's token, a key */
};

static struct way_proof of_login_link(void)
{
    return (struct way_proof){ .secret = secret_of(&single_use_login_link, &(struct nothing){}) };
}

static enum err by_login_link(const struct way_proof *proof)
{
    return auth_call("gateway", &nobody, "mail_login.confirm", mail_login_proof_shape(),
        &(struct mail_login_proof){ .token = proof->secret }, session_tokens_shape(), &(struct session_tokens){});
}

static struct way_proof of_login_code(void)
{
    struct login_flow flow = { .email = email_of(), .code = STR("123456") };
    struct str secret;

    assert_int_equal(single_use_make(pg, arena, &single_use_login_flow,
                         &(struct single_use_draft){ .holder = email_of() }, &flow, &secret),
        OK);
    assert_int_equal(pg_commit(pg), OK);
    return (struct way_proof){ .secret = secret };
}

static enum err by_login_code(const struct way_proof *proof)
{
    return auth_call("gateway", &nobody, "mail_login.confirm", mail_login_proof_shape(),
        &(struct mail_login_proof){ .flow = proof->secret, .code = STR("123456") }, session_tokens_shape(),
        &(struct session_tokens){});
}

static struct way_proof of_provider(void)
{
    struct oauth_code code = { .provider = STR("google"), .challenge = sha256_text(arena, STR(VERIFIER)) };

    return (struct way_proof){ .secret = secret_of(&single_use_oauth_login, &code) };
}

static enum err by_provider(const struct way_proof *proof)
{
    return auth_call("gateway", &nobody, "oauth.login", oauth_proof_shape(),
        &(struct oauth_proof){ .code = proof->secret, .verifier = STR(VERIFIER) }, session_tokens_shape(),
        &(struct session_tokens){});
}

static struct session_tokens begin_session(void)
{
    struct call call = { .arena = arena, .pg = pg, .who = &nobody, .context = &auth, .now = clock_ms() };
    struct str method = STR(METHOD_PASSWORD);
    struct session_tokens tokens = { .session = { { 0 } } };
    struct account account;

    assert_int_equal(account_by_id(pg, arena, user, &account), OK);
    assert_int_equal(session_begin(pg, arena, &call, &account, (struct str_list){ &method, 1 }, &tokens), OK);
    assert_int_equal(pg_commit(pg), OK);
    return tokens;
}

static struct way_proof of_session(void)
{
    return (struct way_proof){ .secret = begin_session().refresh_token };
}

static enum err by_session(const struct way_proof *proof)
{
    return auth_call("gateway", &nobody, "user.refresh", user_refresh_shape(),
        &(struct user_refresh){ .refresh_token = proof->secret }, session_tokens_shape(), &(struct session_tokens){});
}

/* A session that is pending, and a recovery code. */
static struct way_proof of_factor(void)
{
    struct call call = { .arena = arena, .pg = pg, .who = &nobody, .context = &auth, .now = clock_ms() };
    struct recovery_codes codes;

    struct id app = id_new();

    run("INSERT INTO factor (id, account_id, kind, name, sealed, counter, created_at, confirmed_at) VALUES"
        " ($1, $2, 'totp', 'an app', $3, 0, now(), now())",
        PG_ARGS(pg_id(app), pg_id(user),
            pg_bytes(column_seal(arena, &sealed_factor_sealed, id_text(arena, app), STR("twenty bytes of them")))));
    assert_int_equal(recovery_codes_make(&call, user, &codes), OK);
    assert_int_equal(pg_commit(pg), OK);
    return (struct way_proof){ .secret = codes.codes.at[0], .other = id_text(arena, begin_session().session) };
}

static enum err by_factor(const struct way_proof *proof)
{
    struct principal who = nobody;

    who.sub = id_text(arena, user);
    who.session = proof->other;
    return auth_call("gateway", &who, "factor.prove", factor_proof_shape(),
        &(struct factor_proof){ .code = proof->secret }, session_tokens_shape(), &(struct session_tokens){});
}

static struct way_proof of_address(void)
{
    struct registration_claim claim = { .email = email_of() };

    return (struct way_proof){ .secret = secret_of(&single_use_verify, &claim) };
}

static enum err by_address(const struct way_proof *proof)
{
    return auth_call("gateway", &nobody, "verification.confirm", email_proof_shape(),
        &(struct email_proof){ .token = proof->secret }, user_made_shape(), &(struct user_made){});
}

static struct way_proof of_new_address(void)
{
    struct address_claim claim = { .email = arena_printf(arena, "new-%.*s", STR_ARG(email_of())) };

    return (struct way_proof){ .secret = secret_of(&single_use_email_change, &claim) };
}

static enum err by_new_address(const struct way_proof *proof)
{
    return auth_call("gateway", &nobody, "email.confirm", address_proof_shape(),
        &(struct address_proof){ .token = proof->secret }, user_shape(), &(struct user){});
}

static struct way_proof of_key(void)
{
    struct principal admin = { .sub = STR("admin:root") };
    struct key_draft draft = {
        .name = STR("k"), .policy = STR("chat-client"), .impersonate = true, .act_as_users = true
    };
    struct key_issued key;

    assert_int_equal(
        auth_call("authctl", &admin, "key.issue", key_draft_shape(), &draft, key_issued_shape(), &key), OK);
    return (struct way_proof){ .secret = key.key };
}

static enum err by_key(const struct way_proof *proof)
{
    return auth_call("gateway", &nobody, "token.issue", token_draft_shape(),
        &(struct token_draft){ .api_key = proof->secret, .subject = id_text(arena, user), .ttl_s = 60 }, token_shape(),
        &(struct token){});
}

/* `again`: what the same proof is answered a second time; OK: it is good more than once, and is not noted each time. */
static const struct way {
    const char *name, *kind;
    struct way_proof (*make)(void);
    enum err (*come)(const struct way_proof *proof);
    enum err again;
    const struct single_use_purpose *purpose; /* of its secret; NULL: it is none */
} ways[] = {
    { "a mailed link", "mail", of_login_link, by_login_link, ERR_GONE, &single_use_login_link },
    { "a mailed code", "mail", of_login_code, by_login_code, ERR_GONE, &single_use_login_flow },
    { "another provider", "oauth", of_provider, by_provider, ERR_GONE, &single_use_oauth_login },
    { "a refresh token", "refresh", of_session, by_session, OK, NULL },
    { "a second factor", "factor", of_factor, by_factor, ERR_SESSION_ENDED, NULL },
    { "a proof of an address", "mail", of_address, by_address, ERR_GONE, &single_use_verify },
    { "another address", "reset", of_new_address, by_new_address, ERR_GONE, &single_use_email_change },
    { "an API key", "token", of_key, by_key, OK, NULL },
};

static int64_t noted(const char *kind, enum err result)
{
    return count("SELECT count(*) AS version FROM attempt WHERE kind = $1 AND result = $2 AND subject = $3",
        PG_ARGS(pg_text(str_of(kind)), pg_text(str_of(err_code(result))), pg_text(id_text(arena, user))));
}

static void expect(const struct way *way, const char *what, int64_t got, int64_t wanted)
{
    if (got != wanted)
        fail_msg("%s: %s: %lld, not %lld; %.*s", way->name, what, (long long)got, (long long)wanted,
            STR_ARG(failure.message));
}

static struct id ban_user(void)
{
    struct principal admin = { .sub = STR("admin:root") };
    struct ban ban;

    assert_int_equal(auth_call("authctl", &admin, "ban.add", ban_draft_shape(),
                         &(struct ban_draft){ .subject = id_text(arena, user) }, ban_shape(), &ban),
        OK);
    return ban.id;
}

static void lift_ban(struct id id)
{
    struct principal admin = { .sub = STR("admin:root") };

    assert_int_equal(auth_call("authctl", &admin, "ban.remove", ban_ref_shape(), &(struct ban_ref){ id }, ban_shape(),
                         &(struct ban){}),
        OK);
}

/* And what they bring stays good, for when the ban is lifted. */
static void who_is_banned_gets_nothing_whichever_way_they_come(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(ways); i++) {
        make_user();
        struct way_proof proof = ways[i].make();
        int64_t sessions = count("SELECT count(*) AS version FROM session WHERE account_id = $1", PG_ARGS(pg_id(user)));
        struct id ban = ban_user();
        expect(&ways[i], "banned", ways[i].come(&proof), ERR_BANNED);
        expect(&ways[i], "banned, on record", noted(ways[i].kind, ERR_BANNED), 1);
        expect(&ways[i], "sessions",
            count("SELECT count(*) AS version FROM session WHERE account_id = $1", PG_ARGS(pg_id(user))), sessions);
        lift_ban(ban);
        expect(&ways[i], "the ban is lifted", ways[i].come(&proof), OK);
    }
}

static void what_comes_of_each_way_is_on_record(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(ways); i++) {
        make_user();
        struct way_proof proof = ways[i].make();
        expect(&ways[i], "good", ways[i].come(&proof), OK);
        if (strcmp(ways[i].kind, "refresh") != 0) expect(&ways[i], "ok, on record", noted(ways[i].kind, OK), 1);
        int64_t before = count("SELECT count(*) AS version FROM attempt", PG_NO_ARGS);
        expect(&ways[i], "again", ways[i].come(&proof), ways[i].again);
        if (ways[i].again != OK)
            expect(
                &ways[i], "again, on record", count("SELECT count(*) AS version FROM attempt", PG_NO_ARGS), before + 1);
    }
}

/* --- secrets that are good once --- */

static void no_secret_is_good_at_the_door_of_another_way(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(ways); i++)
        for (size_t k = 0; k < COUNT(ways); k++) {
            if (ways[i].purpose == NULL || ways[k].purpose == NULL || i == k) continue;
            make_user();
            struct way_proof proof = ways[k].make();
            expect(&ways[i], ways[k].name, ways[i].come(&proof), ERR_GONE);
            expect(&ways[k], "it is still good", ways[k].come(&proof), OK);
        }
}

static void a_secret_that_is_over_is_good_nowhere(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(ways); i++) {
        if (ways[i].purpose == NULL) continue;
        make_user();
        struct way_proof proof = ways[i].make();
        run("UPDATE single_use SET expires_at = now()", PG_NO_ARGS);
        expect(&ways[i], "over", ways[i].come(&proof), ERR_GONE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_banned_gets_nothing_whichever_way_they_come),
        cmocka_unit_test(what_comes_of_each_way_is_on_record),
        cmocka_unit_test(no_secret_is_good_at_the_door_of_another_way),
        cmocka_unit_test(a_secret_that_is_over_is_good_nowhere),
    };
    return cmocka_run_group_tests_name("ways", tests, start, stop);
}
