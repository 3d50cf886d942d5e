/* test_sessions.c - sessions of users against a real PostgreSQL: refresh tokens that get lost, come twice, or come back from
 * a thief; and what dies when something happens to an account. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/base/clock.h"
#include "services/auth/abuse/attempts.h"
#include "services/auth/abuse/budget.h"
#include "libshared/policy/refresh_token.h"
#include "services/auth/sessions/sessions.h"
#include "services/auth/single_use/single_use.h"
#include "services/auth/tokens/signing_key.h"
#include "services/auth/users/revoke.h"
#include "tests/service/auth_calls.h"

#define SECOND INT64_C(1000)
#define DAY    (86400 * SECOND)

static struct id user; /* a new one for each test */

static int start(void **state)
{
    bool changed;

    (void)state;
    auth_calls_start();
    assert_int_equal(signing_keys_turn(pg, arena, clock_ms() - SECOND, 90, 3600, &changed), OK);
    assert_int_equal(pg_commit(pg), OK);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    auth_calls_stop();
    return 0;
}

static int register_user(void **state)
{
    (void)state;
    arena_reset(arena);
    user = id_new();
    run("INSERT INTO account (id, email, email_key, nickname, nickname_key, created_at, changed_at)"
        " VALUES ($1, $1::text || '@x.org', $1::text || '@x.org', left($1::text, 32), $1::text, now(), now())",
        PG_ARGS(pg_id(user)));
    return 0;
}

/* A session of the user's, as user.login begins one. */
static struct session_tokens begin(void)
{
    struct principal who = { .address = STR("192.0.2.1"), .agent = STR("a browser") };
    struct call call = { .arena = arena, .pg = pg, .who = &who, .context = &auth, .now = clock_ms() };
    struct str method = STR("pwd");
    struct session_tokens tokens = { .session = { { 0 } } };
    struct account account;

    assert_int_equal(account_by_id(pg, arena, user, &account), OK);
    assert_int_equal(session_begin(pg, arena, &call, &account, (struct str_list){ &method, 1 }, &tokens), OK);
    assert_int_equal(pg_commit(pg), OK);
    return tokens;
}

/* As the user, in this session; nil: as nobody. */
static enum err ask(struct id session, const char *method, const struct wire_shape *in, const void *req,
    const struct wire_shape *out, void *rep)
{
    struct principal who = { .address = STR("192.0.2.7") };

    if (!id_is_nil(session)) who.session = id_text(arena, session), who.sub = id_text(arena, user);
    return auth_call("gateway", &who, method, in, req, out, rep);
}

static enum err refresh(struct str token, struct session_tokens *out)
{
    struct session_tokens unwanted;
    struct user_refresh req = { .refresh_token = token };

    return ask((struct id){ { 0 } }, "user.refresh", user_refresh_shape(), &req, session_tokens_shape(),
        out != NULL ? out : &unwanted);
}

static struct str next_of(struct str token)
{
    struct session_tokens tokens;

    assert_int_equal(refresh(token, &tokens), OK);
    return tokens.refresh_token;
}

/* Time passes for a session, but for its last day. */
static void let_pass(struct id session, int64_t ms)
{
    run("UPDATE session SET refreshed_at = refreshed_at - $2::bigint * interval '1 millisecond',"
        " expires_at = expires_at - $2::bigint * interval '1 millisecond' WHERE id = $1",
        PG_ARGS(pg_id(session), pg_int(ms)));
}

static int64_t sessions(void)
{
    return count("SELECT count(*) AS version FROM session WHERE account_id = $1", PG_ARGS(pg_id(user)));
}

static bool has_ended(const char *kind, struct id id)
{
    return count("SELECT count(*) AS version FROM trust_change WHERE kind = $1 AND name = $2",
               PG_ARGS(pg_text(str_of(kind)), pg_text(id_text(arena, id)))) == 1;
}

static int64_t noted(const char *result)
{
    return count("SELECT count(*) AS version FROM attempt WHERE kind = 'refresh' AND subject = $1 AND result = $2",
        PG_ARGS(pg_text(id_text(arena, user)), pg_text(str_of(result))));
}

/* --- refresh tokens --- */

static void a_lost_answer_is_given_again(void **state)
{
    (void)state;
    struct session_tokens first = begin(), lost, again, next;

    assert_int_equal(refresh(first.refresh_token, &lost), OK);
    let_pass(first.session, 3 * DAY);
    assert_int_equal(refresh(first.refresh_token, &again), OK);
    assert_true(str_eq(again.refresh_token, lost.refresh_token));
    assert_false(str_eq(again.refresh_token, first.refresh_token));
    assert_true(id_eq(again.session, first.session));
    let_pass(first.session, 5 * DAY); /* lost once more: it was used, all the same */
    assert_int_equal(refresh(first.refresh_token, &again), OK);
    let_pass(first.session, 31 * SECOND);
    assert_int_equal(refresh(first.refresh_token, &again), OK);
    assert_int_equal(refresh(again.refresh_token, &next), OK);
    assert_false(str_eq(next.refresh_token, again.refresh_token));
}

static void tabs_that_wake_together_go_on_together(void **state)
{
    (void)state;
    struct session_tokens first = begin();
    struct str second = next_of(first.refresh_token), third = next_of(second), fourth = next_of(third);

    let_pass(first.session, 25 * SECOND);
    assert_true(str_eq(next_of(first.refresh_token), fourth));
    assert_true(str_eq(next_of(second), fourth));
    assert_true(str_eq(next_of(third), fourth));
    assert_int_equal(sessions(), 1);
}

static void an_older_token_that_comes_back_later_ends_the_session(void **state)
{
    (void)state;
    struct session_tokens first = begin(), other = begin();
    struct str third = next_of(next_of(first.refresh_token));

    let_pass(first.session, 31 * SECOND);
    assert_int_equal(refresh(first.refresh_token, NULL), ERR_REFRESH_REUSED);
    assert_true(has_ended("session", first.session));
    assert_int_equal(refresh(third, NULL), ERR_SESSION_ENDED);
    assert_int_equal(noted("refresh_reused"), 1);
    next_of(other.refresh_token); /* no other session of theirs */
    assert_false(has_ended("session", other.session));
}

static void what_was_not_given_out_is_no_token(void **state)
{
    (void)state;
    struct session_tokens tokens = begin();
    char forged[REFRESH_CHARS + 1];

    refresh_token_write(tokens.session, 0, STR("what the thief does not know...."), forged);
    assert_int_equal(refresh(str_of(forged), NULL), ERR_TOKEN_INVALID);
    assert_int_equal(noted("token_invalid"), 1);
    refresh_token_write(id_new(), 0, STR("what the thief does not know...."), forged);
    assert_int_equal(refresh(str_of(forged), NULL), ERR_SESSION_ENDED);
    struct str next = next_of(tokens.refresh_token);
    run("UPDATE session SET counter = 0 WHERE id = $1", PG_ARGS(pg_id(tokens.session))); /* a backup was restored */
    assert_int_equal(refresh(next, NULL), ERR_TOKEN_INVALID);
    next_of(tokens.refresh_token);
}

static void a_session_ends_by_itself(void **state)
{
    (void)state;
    struct session_tokens idle = begin(), old = begin(), tokens;

    let_pass(idle.session, 7 * DAY - 60 * SECOND);
    struct str token = next_of(idle.refresh_token);
    let_pass(idle.session, 7 * DAY + SECOND);
    assert_int_equal(refresh(token, NULL), ERR_SESSION_ENDED);

    run("UPDATE session SET ends_at = now() + interval '10 minutes' WHERE id = $1", PG_ARGS(pg_id(old.session)));
    assert_int_equal(refresh(old.refresh_token, &tokens), OK);
    assert_true(tokens.refresh_until <= clock_ms() + 600 * SECOND);
    assert_true(tokens.expires_at <= clock_ms() + 600 * SECOND); /* nor does its token outlive it */
}

static void who_may_not_sign_in_does_not_go_on(void **state)
{
    (void)state;
    struct session_tokens tokens = begin();

    run("UPDATE account SET state = 'disabled' WHERE id = $1", PG_ARGS(pg_id(user)));
    assert_int_equal(refresh(tokens.refresh_token, NULL), ERR_SESSION_ENDED);
}

/* 1 % of the answers get lost, tabs wake together with the token that they share, minutes and days pass; nobody is out. */
static void nobody_is_logged_out_by_chance(void **state)
{
    (void)state;
    enum { TABS = 5 };
    int refreshes = getenv("REFRESHES") ? atoi(getenv("REFRESHES")) : 4000;
    struct session_tokens now = begin();
    char token[REFRESH_CHARS + 1];
    bool lost = false;

    srand(7);
    snprintf(token, sizeof token, "%.*s", STR_ARG(now.refresh_token));
    for (int i = 0; i < refreshes; i++) {
        struct session_tokens next;
        if (lost || rand() % 20 == 0) let_pass(now.session, rand() % 2 ? DAY * (rand() % 7) : 900 * SECOND);
        enum err e = refresh(str_of(token), &next);
        if (e != OK) fail_msg("refresh %d: %s", i, err_code(e));
        for (int tab = 1; rand() % 20 == 0 && tab < TABS; tab++) assert_int_equal(refresh(str_of(token), NULL), OK);
        lost = rand() % 100 == 0;
        if (!lost) snprintf(token, sizeof token, "%.*s", STR_ARG(next.refresh_token));
        if (i % 100 == 99) arena_reset(arena); /* what the answers took */
    }
}

/* --- one's sessions --- */

static void sessions_are_listed_and_ended_by_their_user_alone(void **state)
{
    (void)state;
    struct session_tokens one = begin(), two = begin(), three = begin();
    struct session_page page;
    struct sessions_ended ended;
    struct session_own own = { two.session };

    assert_int_equal(
        ask(one.session, "session.list", nothing_shape(), &(struct { char c; }){ 0 }, session_page_shape(), &page), OK);
    assert_int_equal(page.sessions.len, 3);
    assert_true(id_eq(page.sessions.at[0].id, three.session));
    assert_true(page.sessions.at[2].is_this && !page.sessions.at[0].is_this);
    assert_true(str_is(page.sessions.at[0].device, "a browser") && str_is(page.sessions.at[0].address, "192.0.2.1"));

    struct id me = user;
    register_user(NULL);
    assert_int_equal(
        ask(one.session, "session.end_one", session_own_shape(), &own, nothing_shape(), &(struct { char c; }){ 0 }),
        ERR_NOT_FOUND);
    user = me;
    assert_int_equal(
        ask(one.session, "session.end_one", session_own_shape(), &own, nothing_shape(), &(struct { char c; }){ 0 }),
        OK);
    assert_true(has_ended("session", two.session));
    assert_int_equal(sessions(), 2);

    struct session_choice others = { true };
    assert_int_equal(
        ask(one.session, "session.end_all", session_choice_shape(), &others, sessions_ended_shape(), &ended), OK);
    assert_int_equal(ended.count, 1);
    assert_true(has_ended("session", three.session) && !has_ended("session", one.session));
    struct session_choice all = { false };
    assert_int_equal(
        ask(one.session, "session.end_all", session_choice_shape(), &all, sessions_ended_shape(), &ended), OK);
    assert_true(ended.count == 1 && sessions() == 0 && has_ended("session", one.session));
}

static void an_account_has_a_bounded_number_of_them(void **state)
{
    (void)state;
    struct session_tokens first = begin(), second = begin();

    for (int i = 0; i < 98; i++) begin();
    assert_int_equal(sessions(), 100);
    next_of(first.refresh_token);
    begin();
    assert_int_equal(sessions(), 100);
    assert_true(has_ended("session", second.session) && !has_ended("session", first.session));
}

static void those_that_are_over_are_forgotten(void **state)
{
    (void)state;
    struct session_tokens old = begin();
    struct call call = { .arena = arena, .pg = pg, .context = &auth, .now = clock_ms() };
    struct job job = { .key = STR("") };

    begin();
    let_pass(old.session, 8 * DAY);
    assert_int_equal(session_expire(&call, &job, NULL), OK);
    assert_int_equal(pg_commit(pg), OK);
    assert_int_equal(sessions(), 1);
}

/* --- what dies --- */

static const struct single_use_purpose *const purposes[] = {
#define PURPOSE(name, ...) &single_use_##name,
#include "services/auth/single_use/purposes.def"
#undef PURPOSE
};

static struct str make_secret(const struct single_use_purpose *purpose)
{
    struct single_use_draft draft = { .account = user };
    struct str secret;

    if (purpose == &single_use_login_flow) /* begun for an address, whether or not anybody has it */
        draft = (struct single_use_draft){ .holder = arena_printf(arena, "%s@x.org", id_text(arena, user).at) };
    assert_int_equal(single_use_make(pg, arena, purpose, &draft, some_record(purpose->data()), &secret), OK);
    assert_int_equal(pg_commit(pg), OK);
    return secret;
}

static bool is_good(const struct single_use_purpose *purpose, struct str secret)
{
    enum err e = single_use_read(pg, arena, purpose, secret, NULL, some_record(purpose->data()));

    pg_rollback(pg);
    return e == OK;
}

/* What a user has besides sessions and secrets: a row of each, and each by its name in credentials.def. */
static const struct kept {
    const char *name, *make, *count;
} kept[] = {
    { "devices",
        "INSERT INTO budget (account, scope, next_at, good_at, changed_at) VALUES ($1, 'device:x', now(), now(), "
        "now())",
        "SELECT count(*) AS version FROM budget WHERE account = $1 AND good_at IS NOT NULL" },
    { "identity",
        "INSERT INTO identity VALUES ('google', 'https://issuer.example', $1, $1::uuid, NULL, false, now(), now())",
        "SELECT count(*) AS version FROM identity WHERE account_id = $1::uuid" },
    { "factor",
        "INSERT INTO factor (id, account_id, kind, name, credential, public_key, algorithm, counter, confirmed_at, "
        "created_at)"
        " VALUES (gen_random_uuid(), $1::uuid, 'passkey', 'a key', convert_to($1, 'UTF8'), '\\x00', -7, 0, now(), "
        "now())",
        "SELECT count(*) AS version FROM factor WHERE account_id = $1::uuid AND kind = 'passkey'" },
    { "factor",
        "INSERT INTO factor (id, account_id, kind, name, sealed, counter, created_at)"
        " VALUES (gen_random_uuid(), $1::uuid, 'totp', 'an app', '\\x00', 0, now())",
        "SELECT count(*) AS version FROM factor WHERE account_id = $1::uuid AND kind = 'totp'" },
    { "recovery_code", "INSERT INTO recovery_code VALUES ($1::uuid, sha256(convert_to($1, 'UTF8')))",
        "SELECT count(*) AS version FROM recovery_code WHERE account_id = $1::uuid" },
};

/* What dies of each, in words: the names above and of purposes.def; `this` and `others` of the sessions, with their access and
 * refresh tokens; `tokens`: all that name the subject, which API keys got, too. */
#define GETS_IN "email_change reset login_link login_flow oauth_login"
#define SECRETS                                                                                                        \
    "verify email_change reset invite login_link login_flow oauth_flow oauth_login oauth_link passkey_add "            \
    "passkey_ask demo"
static const struct dying {
    enum revocation why;
    const char *name, *what;
} dying[] = {
    { REVOKE_disabled, "disabled", "this others tokens devices undelete " SECRETS },
    { REVOKE_deleted, "deleted", "this others tokens devices " SECRETS },
    { REVOKE_taken_over, "taken over", "this others tokens devices identity factor recovery_code undelete " SECRETS },
    { REVOKE_policy_changed, "policy changed", "tokens" },
    { REVOKE_password_changed, "password changed", "others devices " GETS_IN },
    { REVOKE_password_reset, "password reset", "this others devices " GETS_IN },
    { REVOKE_email_changed, "e-mail changed", "this others verify " GETS_IN },
    { REVOKE_factor_changed, "factor changed", "others login_link login_flow oauth_login" },
    { REVOKE_unlinked, "unlinked", "others oauth_login" },
};

static bool has_word(const char *words, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = words; (at = strstr(at, word)) != NULL; at += len)
        if ((at == words || at[-1] == ' ') && (at[len] == ' ' || at[len] == '\0')) return true;
    return false;
}

static void expect(const struct dying *row, const char *word, const char *what, bool is_dead)
{
    if (has_word(row->what, word) != is_dead) fail_msg("%s: %s %s", row->name, what, is_dead ? "died" : "lived");
}

static void expect_session(const struct dying *row, const char *word, const struct session_tokens *tokens)
{
    expect(row, word, "a session's access token", has_ended("session", tokens->session));
    expect(row, word, "a session's refresh token", refresh(tokens->refresh_token, NULL) != OK);
}

static void kill_by(const struct dying *row)
{
    register_user(NULL);
    struct session_tokens mine = begin(), other = begin();
    struct principal who = { .sub = id_text(arena, user), .session = id_text(arena, mine.session) };
    struct call call = { .arena = arena, .pg = pg, .who = &who, .context = &auth, .now = clock_ms() };
    struct str secrets[COUNT(purposes)];

    for (size_t i = 0; i < COUNT(purposes); i++) secrets[i] = make_secret(purposes[i]);
    for (size_t i = 0; i < COUNT(kept); i++) run(kept[i].make, PG_ARGS(pg_text(who.sub)));
    assert_int_equal(account_revoke(&call, user, row->why), OK);
    assert_int_equal(pg_commit(pg), OK);

    expect_session(row, "this", &mine);
    expect_session(row, "others", &other);
    expect(row, "tokens", "tokens of the subject", has_ended("subject", user));
    for (size_t i = 0; i < COUNT(kept); i++)
        expect(row, kept[i].name, kept[i].name, count(kept[i].count, PG_ARGS(pg_text(who.sub))) == 0);
    for (size_t i = 0; i < COUNT(purposes); i++)
        expect(row, purposes[i]->name, purposes[i]->name, !is_good(purposes[i], secrets[i]));
}

static bool is_kept(const char *name)
{
    size_t i = 0;

    while (i < COUNT(kept) && strcmp(kept[i].name, name) != 0) i++;
    return i < COUNT(kept);
}

static void each_credential_dies_of_what_the_table_says(void **state)
{
    (void)state;
    assert_int_equal(COUNT(dying), REVOCATIONS); /* whoever adds a row says here what dies of it */
#define CREDENTIAL(name, ...) assert_true(is_kept(#name));
#include "services/auth/users/credentials.def"
#undef CREDENTIAL
    for (size_t i = 0; i < COUNT(dying); i++) kill_by(&dying[i]);
}

/* Gateways let nobody in who is banned; auth gives them nothing either, whichever way they come. */
static void who_is_banned_gets_no_session_and_goes_on_with_none(void **state)
{
    (void)state;
    struct session_tokens tokens = begin(), none;
    struct principal admin = { .sub = STR("an admin") }, who = { .address = STR("192.0.2.1") };
    struct call call = { .arena = arena, .pg = pg, .who = &who, .context = &auth, .now = clock_ms() };
    struct ban_draft draft = { .subject = id_text(arena, user) };
    struct str method = STR("pwd");
    struct account account;
    struct ban ban;

    assert_int_equal(auth_call("authctl", &admin, "ban.add", ban_draft_shape(), &draft, ban_shape(), &ban), OK);
    assert_int_equal(refresh(tokens.refresh_token, NULL), ERR_BANNED);
    assert_int_equal(noted("banned"), 1);
    assert_int_equal(account_by_id(pg, arena, user, &account), OK);
    assert_int_equal(session_begin(pg, arena, &call, &account, (struct str_list){ &method, 1 }, &none), ERR_BANNED);
    pg_rollback(pg);
    struct ban_ref lift = { .ban = ban.id };
    assert_int_equal(auth_call("authctl", &admin, "ban.remove", ban_ref_shape(), &lift, ban_shape(), &ban), OK);
    assert_int_equal(refresh(tokens.refresh_token, NULL), OK);
}

/* A token that is issued in the second in which all others ended is one of the next. */
static void who_goes_on_after_tokens_ended_gets_one_that_holds(void **state)
{
    (void)state;
    struct session_tokens tokens = begin(), next;
    struct principal who = { .sub = STR("an admin") };
    struct call call = { .arena = arena, .pg = pg, .who = &who, .context = &auth, .now = clock_ms() };

    assert_int_equal(account_revoke(&call, user, REVOKE_policy_changed), OK);
    assert_int_equal(pg_commit(pg), OK);
    assert_int_equal(refresh(tokens.refresh_token, &next), OK);
    assert_true(next.expires_at - 900 * SECOND > call.now / SECOND * SECOND);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, register_user)
    const struct CMUnitTest tests[] = {
        TEST(a_lost_answer_is_given_again),
        TEST(tabs_that_wake_together_go_on_together),
        TEST(an_older_token_that_comes_back_later_ends_the_session),
        TEST(what_was_not_given_out_is_no_token),
        TEST(a_session_ends_by_itself),
        TEST(who_may_not_sign_in_does_not_go_on),
        TEST(nobody_is_logged_out_by_chance),
        TEST(sessions_are_listed_and_ended_by_their_user_alone),
        TEST(an_account_has_a_bounded_number_of_them),
        TEST(those_that_are_over_are_forgotten),
        TEST(each_credential_dies_of_what_the_table_says),
        TEST(who_is_banned_gets_no_session_and_goes_on_with_none),
        TEST(who_goes_on_after_tokens_ended_gets_one_that_holds),
    };
    return cmocka_run_group_tests_name("sessions", tests, start, stop);
}
