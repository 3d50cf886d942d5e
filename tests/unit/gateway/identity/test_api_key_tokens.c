/* test_api_key_tokens.c - keys against an auth that answers when the test says: who waits, who is served, what is counted. */
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/rpc/fixture.h"

#include <jwt.h>

#include "libshared/policy/api_key.h"
#include "services/gateway/identity/api_key_tokens.h"
#include "services/gateway/methods.h"
#include "tests/lib/heap.h"
#include "tests/unit/gateway/identity/signer.h"

#define HERE STR("192.0.2.1")

static struct signer signer;
static char keys[12][API_KEY_CHARS + 1];
static struct rpc_server *server;
static struct probe auth;
static struct service_pipes pipes;
static struct trusted *trusted;
static struct bearers *bearers;
static struct rates *rates;
static struct guesses *guesses;
static struct api_key_tokens *api_key_tokens;
static struct rpc_later *questions[16]; /* of token.issue */
static size_t n_questions, n_asked;
static struct token *at_once; /* what auth answers without being told to, or NULL */

static void on_question(struct call *call, const void *req, struct rpc_later *later)
{
    const struct token_draft *draft = req;

    assert_int_equal(draft->subject.len, 0);
    assert_int_equal(draft->ttl_s, 900);
    n_asked++;
    if (at_once != NULL) {
        rpc_later_done(later, OK, at_once);
        return;
    }
    assert_true(str_eq(call->who->address, HERE));
    assert_true(n_questions < COUNT(questions));
    questions[n_questions++] = later;
}

static const struct rpc_method METHODS[] = {
    { .name = "token.issue",
        .req = token_draft_shape,
        .rep = token_shape,
        .where = LATER,
        .begin = on_question,
        .repeat = SAFE,
        .callers = "gateway" },
};

static void recheck(void *arg, const struct trust *page)
{
    (void)arg, (void)page;
    bearers_forget(bearers);
    api_key_tokens_recheck(api_key_tokens);
}

static void change_trust(void)
{
    struct policy_rule rule = { .effect = STR("allow") };
    struct policy policy = { .name = STR("all"), .rules = { &rule, 1 } };
    struct signing_key key = { STR("k1"), str_of(signer.public) };
    struct trust trust = {
        .issuer = STR("madang"), .audience = STR("test"), .keys = { &key, 1 }, .policies = { &policy, 1 }
    };
    struct buf bytes = BUF(100000);

    assert_int_equal(wire_encode(trust_shape(), &trust, &bytes), OK);
    assert_int_equal(trusted_take(trusted, buf_str(&bytes)), OK);
    buf_free(&bytes);
}

static int begin(void **state)
{
    signer = signer_new();
    for (size_t i = 0; i < COUNT(keys); i++) {
        char id[API_KEY_ID_CHARS + 1];
        api_key_new_id(id);
        api_key_new(id, keys[i]);
    }
    return fixture_begin(state);
}

static int set_up(void **state)
{
    (void)state;
    struct rpc_server_config config = server_config(METHODS, COUNT(METHODS), 0);

    config.later_max = 100;
    server = rpc_server_create(fx.loop, &config);
    probe_open(&auth, "gateway", 1000);
    pipes = (struct service_pipes){ 1, { auth.client } };
    trusted = trusted_create(fx.loop, recheck, NULL, NULL);
    bearers = bearers_create(trusted);
    rates = rates_create(100);
    guesses = guesses_create(fx.loop, rates, 5000);
    api_key_tokens = api_key_tokens_create(bearers, guesses, rates, &pipes);
    n_questions = n_asked = 0;
    at_once = NULL;
    change_trust();
    UNTIL(rpc_client_is_up(auth.client));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    guesses_close(guesses);
    rpc_client_destroy(&auth.client);
    api_key_tokens_destroy(&api_key_tokens);
    guesses_destroy(&guesses);
    rates_destroy(&rates);
    bearers_destroy(&bearers);
    trusted_destroy(&trusted);
    rpc_server_destroy(&server);
    return 0;
}

struct token_outcome {
    int times;
    enum err e;
    char subject[40];
};

static void on_told(void *arg, enum err e, const struct failure *why, const struct rights *rights)
{
    struct token_outcome *told = arg;

    told->times++;
    told->e = e;
    if (e != OK) {
        assert_true(str_is(why->code, err_code(e)));
        return;
    }
    struct rights mine = *rights;
    snprintf(told->subject, sizeof told->subject, "%.*s", STR_ARG(bearer_subject(mine.bearer)));
    rights_drop(&mine);
}

static void ask_from(struct str address, const char *key, struct token_outcome *told)
{
    memset(told, 0, sizeof *told);
    api_key_tokens_get_rights(api_key_tokens, str_of(key), address, STR("t-1"), on_told, told);
}

static void ask_with(const char *key, struct token_outcome *told)
{
    ask_from(HERE, key, told);
}

/* Auth answers the oldest question that is left, and the gateway has heard it. */
static void auth_answers(enum err e, const struct token *token)
{
    size_t asked;

    UNTIL(n_questions > 0);
    asked = n_asked;
    rpc_later_done(questions[0], e, token);
    memmove(questions, questions + 1, --n_questions * sizeof *questions);
    UNTIL(rpc_client_pending(auth.client) == n_questions || n_asked > asked); /* or another's turn has come */
}

static void auth_says(enum err e)
{
    auth_answers(e, NULL);
}

/* padding: bytes of a claim that nobody reads. */
static char *sign_with(const char *subject, int padding)
{
    jwt_t *jwt = NULL;
    char blanks[4096];

    assert_int_equal(jwt_new(&jwt), 0);
    jwt_set_alg(jwt, JWT_ALG_ES256, (const unsigned char *)signer.secret, (int)strlen(signer.secret));
    jwt_add_header(jwt, "kid", "k1");
    jwt_add_grant(jwt, "iss", "madang");
    jwt_add_grant(jwt, "aud", "test");
    jwt_add_grant(jwt, "sub", subject);
    jwt_add_grant(jwt, "pol", "all");
    jwt_add_grant_int(jwt, "exp", (long)(clock_ms() / 1000) + 60);
    snprintf(blanks, sizeof blanks, "%*s", padding, "");
    if (padding > 0) jwt_add_grant(jwt, "none", blanks);
    char *text = signer_sign(jwt);
    jwt_free(jwt);
    return text;
}

static char *sign(const char *subject)
{
    return sign_with(subject, 0);
}

/* said_ms: how long the token holds, as auth says beside it; by its own claims it is a minute. */
static void auth_gives(const char *subject, int64_t said_ms)
{
    char *text = sign(subject);

    auth_answers(OK, &(struct token){ str_of(text), clock_ms() + said_ms, str_of(subject), STR("all") });
    free(text);
}

static void one_question_serves_all_who_wait_and_who_come_later(void **state)
{
    (void)state;
    struct token_outcome first, second, later;

    ask_with(keys[0], &first);
    ask_with(keys[0], &second);
    auth_gives("key:a", 60000);
    assert_int_equal(first.times + second.times, 2);
    assert_string_equal(second.subject, "key:a");
    ask_with(keys[0], &later);
    assert_int_equal(later.times, 1);
    assert_string_equal(later.subject, "key:a");
    turn_for(20);
    assert_int_equal(n_questions, 0);
}

static void who_asks_after_a_change_gets_no_answer_from_before_it(void **state)
{
    (void)state;
    struct token_outcome before, after;

    ask_with(keys[0], &before);
    UNTIL(n_questions == 1);
    change_trust();
    ask_with(keys[0], &after); /* the first verdict decides whether it is a guess */
    auth_gives("key:old", 60000);
    assert_int_equal(before.times, 1);
    assert_int_equal(after.times, 0);
    UNTIL(n_questions == 1);
    auth_says(ERR_KEY_INVALID);
    assert_int_equal(after.times, 1);
    assert_int_equal(after.e, ERR_KEY_INVALID);
    ask_with(keys[0], &after);
    assert_int_equal(after.times, 0); /* and what came from before is not remembered */
    auth_gives("key:new", 60000);
    assert_int_equal(after.times, 1);
    change_trust();
    ask_with(keys[0], &after);
    assert_int_equal(after.times, 0);
    auth_gives("key:newer", 60000);
    assert_int_equal(after.times, 1);
}

static void a_token_near_its_end_serves_while_the_next_is_fetched(void **state)
{
    (void)state;
    struct token_outcome told;

    ask_with(keys[0], &told);
    auth_gives("key:a", 0);
    assert_int_equal(told.times, 1);
    for (int i = 0; i < 3; i++) { /* auth is away, and away, and back */
        ask_with(keys[0], &told);
        assert_string_equal(told.subject, "key:a");
        ask_with(keys[0], &told);
        if (i < 2) auth_says(ERR_UNAVAILABLE);
    }
    auth_gives("key:b", 60000);
    ask_with(keys[0], &told);
    assert_string_equal(told.subject, "key:b");
    turn_for(20);
    assert_int_equal(n_questions, 0);
}

static void a_key_that_auth_takes_no_more_is_not_used_to_its_tokens_end(void **state)
{
    (void)state;
    struct token_outcome told;

    ask_with(keys[0], &told);
    auth_gives("key:a", 0);
    assert_int_equal(told.times, 1);
    ask_with(keys[0], &told);
    assert_int_equal(told.e, OK);
    auth_says(ERR_KEY_EXPIRED);
    ask_with(keys[0], &told);
    assert_int_equal(told.times, 0);
    auth_says(ERR_KEY_EXPIRED);
    assert_int_equal(told.times, 1);
    assert_int_equal(told.e, ERR_KEY_EXPIRED);
}

static void only_refusals_count_as_guesses(void **state)
{
    (void)state;
    struct token_outcome told;

    for (int i = 0; i < 15; i++) {
        ask_with(keys[0], &told);
        auth_says(i % 2 ? ERR_UNAVAILABLE : ERR_OVERLOADED);
        assert_int_equal(told.times, 1);
    }
    for (size_t i = 0; i < COUNT(keys) - 1; i++) {
        ask_with(keys[i], &told);
        auth_gives("key:a", 60000);
        assert_int_equal(told.times, 1);
        assert_int_equal(told.e, OK);
    }
    for (int i = 0; i < 100; i++) {
        ask_with("mdk_not-a-key", &told);
        assert_int_equal(told.e, ERR_KEY_INVALID);
    }
    ask_with("mdk_not-a-key", &told);
    assert_int_equal(told.e, ERR_RATE_LIMITED);
    for (int i = 0; i < 11; i++) { /* ten, and the first of those that take turns */
        ask_with(keys[11], &told);
        auth_says(ERR_KEY_INVALID);
        assert_int_equal(told.times, 1);
        assert_int_equal(told.e, i < 10 ? ERR_KEY_INVALID : ERR_RATE_LIMITED);
    }
    struct token_outcome waiting;
    ask_with(keys[11], &waiting);
    turn_for(20);
    assert_int_equal(waiting.times, 0);
    assert_int_equal(n_questions, 0);
    change_trust();
    ask_with(keys[0], &told); /* known to be good, though it has to be asked for again */
    auth_gives("key:a", 60000);
    assert_int_equal(told.times, 1);
    assert_int_equal(told.e, OK);
    auth_says(ERR_KEY_INVALID); /* a second later */
    assert_int_equal(waiting.e, ERR_RATE_LIMITED);
}

static void too_many_who_wait_are_refused_and_the_end_answers_the_rest(void **state)
{
    (void)state;
    static struct token_outcome told[1001];

    for (size_t i = 0; i < COUNT(told); i++) ask_with(keys[0], &told[i]);
    assert_int_equal(told[1000].e, ERR_OVERLOADED);
    UNTIL(n_questions == 1);
    rpc_client_destroy(&auth.client);
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(told[i].times, 1);
        assert_int_equal(told[i].e, ERR_SHUTTING_DOWN);
    }
}

static void ten_thousand_are_remembered_and_the_longest_known_goes(void **state)
{
    (void)state;
    static struct token_outcome told[10001];
    char address[40], *text = sign("key:a");

    at_once = &(struct token){ str_of(text), clock_ms() + 60000, STR("key:a"), STR("all") };
    for (int i = 0; i < 10001; i++) {
        snprintf(address, sizeof address, "10.0.%d.%d", i / 256, i % 256);
        ask_from(str_of(address), keys[0], &told[i]);
        if (rpc_client_pending(auth.client) == 1000 || i == 10000) UNTIL(rpc_client_pending(auth.client) == 0);
    }
    for (int i = 0; i < 10001; i++) assert_string_equal(told[i].subject, "key:a");
    assert_int_equal(n_asked, 10001);
    ask_from(STR("10.0.0.1"), keys[0], &told[1]);
    assert_int_equal(told[1].times, 1);
    ask_from(STR("10.0.0.0"), keys[0], &told[0]);
    assert_int_equal(told[0].times, 0);
    UNTIL(told[0].times == 1);
    assert_int_equal(n_asked, 10002);
    free(text);
}

/* docs/security.md has the numbers of MiB: of tokens of 4 KiB, and of keys known to have been good.  The token itself, which is the
 * same for all, is verified once. */
static void all_keys_that_are_remembered_take_what_the_table_of_memory_says(void **state)
{
    (void)state;
    enum { KEYS = 12000 };
    static struct token_outcome told[KEYS];
    char address[40], *text = sign_with("key:a", 2840);

    assert_in_range(strlen(text), 4000, 4096);
    at_once = &(struct token){ str_of(text), clock_ms() + 60000, STR("key:a"), STR("all") };
    size_t before = heap_bytes();
    for (int i = 0; i < KEYS; i++) {
        snprintf(address, sizeof address, "2001:db8:%04x:ffff:ffff:ffff:ffff:ffff", i);
        ask_from(str_of(address), keys[0], &told[i]);
        if (rpc_client_pending(auth.client) == 500 || i == KEYS - 1) UNTIL(rpc_client_pending(auth.client) == 0);
    }
    size_t taken = heap_bytes() - before;
    printf("# %zu KiB\n", taken >> 10);
    for (int i = 0; i < KEYS; i++) assert_string_equal(told[i].subject, "key:a");
    assert_in_range(taken, 0, (size_t)(43 + 2) << 20);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_question_serves_all_who_wait_and_who_come_later, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_asks_after_a_change_gets_no_answer_from_before_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_token_near_its_end_serves_while_the_next_is_fetched, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_key_that_auth_takes_no_more_is_not_used_to_its_tokens_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_refusals_count_as_guesses, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_many_who_wait_are_refused_and_the_end_answers_the_rest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ten_thousand_are_remembered_and_the_longest_known_goes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            all_keys_that_are_remembered_take_what_the_table_of_memory_says, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, begin, fixture_end);
}
