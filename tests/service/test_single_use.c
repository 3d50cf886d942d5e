/* test_single_use.c - secrets that are good once, against a real PostgreSQL: exact under concurrency, at their own door alone. */
// SPDX-License-Identifier: Apache-2.0
#include <pthread.h>
#include <string.h>

#include "services/auth/single_use/single_use.h"
#include "tests/service/auth_calls.h"

#define TAKERS 50

static const struct single_use_purpose *const purposes[] = {
#define PURPOSE(name, data, life_s, most, bound, tries, doc) &single_use_##name,
#include "services/auth/single_use/purposes.def"
#undef PURPOSE
};

static const struct id nobody;

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

static struct id somebody(void)
{
    struct id id = id_new();

    assert_int_equal(pg_run(pg, arena,
                         "INSERT INTO account (id, nickname, nickname_key, created_at, changed_at)"
                         " VALUES ($1, $1::text, $1::text, now(), now())",
                         PG_ARGS(pg_id(id)), NULL),
        OK);
    assert_int_equal(pg_commit(pg), OK);
    return id;
}

static enum err make_for(
    const struct single_use_purpose *purpose, struct id account, struct str holder, int64_t life_s, struct str *secret)
{
    enum err e = single_use_make(pg, arena, purpose,
        &(struct single_use_draft){ .account = account, .holder = holder, .life_s = life_s },
        some_record(purpose->data()), secret);

    if (e != OK) {
        pg_rollback(pg);
        return e;
    }
    return pg_commit(pg);
}

static struct str make(const struct single_use_purpose *purpose, struct id account)
{
    struct str secret;

    assert_int_equal(make_for(purpose, account, STR_NONE, 0, &secret), OK);
    return secret;
}

typedef enum err use_fn(struct pg *pg, struct arena *arena, const struct single_use_purpose *purpose, struct str secret,
    struct id *account, void *data);

static enum err use(use_fn *how, const struct single_use_purpose *purpose, struct str secret)
{
    enum err e = how(pg, arena, purpose, secret, NULL, some_record(purpose->data()));

    if (e == OK) return pg_commit(pg);
    pg_rollback(pg);
    return e;
}

static void it_is_good_once_and_says_whose_it_is(void **state)
{
    (void)state;
    struct id ada = somebody(), who = nobody;
    struct address_claim claim = { .email = STR("Ada@example.org") }, back = { .email = STR_NONE };
    struct str secret;

    assert_int_equal(single_use_make(pg, arena, &single_use_email_change, &(struct single_use_draft){ .account = ada },
                         &claim, &secret),
        OK);
    assert_int_equal(pg_commit(pg), OK);
    assert_int_equal(secret.len, SINGLE_USE_CHARS);
    assert_int_equal(single_use_read(pg, arena, &single_use_email_change, secret, &who, &back), OK);
    assert_int_equal(single_use_take(pg, arena, &single_use_email_change, secret, &who, &back), OK);
    assert_int_equal(pg_commit(pg), OK);
    assert_true(id_eq(who, ada));
    assert_true(str_is(back.email, "Ada@example.org"));
    assert_int_equal(use(single_use_take, &single_use_email_change, secret), ERR_GONE);
    assert_int_equal(use(single_use_read, &single_use_email_change, secret), ERR_GONE);
}

static void a_use_that_is_undone_was_none(void **state)
{
    (void)state;
    struct str secret = make(&single_use_reset, somebody());
    struct nothing none;

    assert_int_equal(single_use_take(pg, arena, &single_use_reset, secret, NULL, &none), OK);
    pg_rollback(pg);
    assert_int_equal(use(single_use_take, &single_use_reset, secret), OK);
}

static void no_secret_is_good_at_another_door(void **state)
{
    (void)state;
    struct id ada = somebody();

    for (size_t own = 0; own < COUNT(purposes); own++) {
        struct str secret = make(purposes[own], ada);
        for (size_t door = 0; door < COUNT(purposes); door++) {
            if (door == own) continue;
            assert_int_equal(use(single_use_read, purposes[door], secret), ERR_GONE);
            assert_int_equal(use(single_use_try, purposes[door], secret), ERR_GONE);
            assert_int_equal(use(single_use_take, purposes[door], secret), ERR_GONE);
        }
        assert_int_equal(use(single_use_take, purposes[own], secret), OK);
    }
}

/* The purpose is hashed, too: a row that is given another one, by a hand or by a mistake, is good for nothing. */
static void a_row_of_another_purpose_is_found_by_no_secret(void **state)
{
    (void)state;
    struct str secret = make(&single_use_login_link, somebody());

    run("UPDATE single_use SET purpose = 'reset' WHERE purpose = 'login_link'", PG_NO_ARGS);
    assert_int_equal(use(single_use_take, &single_use_reset, secret), ERR_GONE);
    assert_int_equal(use(single_use_take, &single_use_login_link, secret), ERR_GONE);
}

static void what_is_no_secret_is_gone(void **state)
{
    (void)state;
    struct str secret = make(&single_use_reset, somebody());
    char changed[SINGLE_USE_CHARS + 2];

    memcpy(changed, secret.at, secret.len);
    changed[SINGLE_USE_CHARS - 1] = changed[SINGLE_USE_CHARS - 1] == 'A' ? 'B' : 'A';
    assert_int_equal(use(single_use_take, &single_use_reset, (struct str){ changed, secret.len }), ERR_GONE);
    assert_int_equal(use(single_use_take, &single_use_reset, (struct str){ secret.at, secret.len - 1 }), ERR_GONE);
    assert_int_equal(use(single_use_take, &single_use_reset, STR_NONE), ERR_GONE);
    assert_int_equal(count("SELECT count(*) AS version FROM single_use WHERE used_at IS NULL AND purpose = 'reset'"
                           " AND length(data) = 1",
                         PG_NO_ARGS),
        2); /* this one, and the one whose row was given another purpose */
}

struct taker {
    pthread_t thread;
    const struct single_use_purpose *purpose;
    use_fn *how;
    struct str secret;
    enum err e;
};

static pthread_barrier_t at_once;

static void *run_taker(void *arg)
{
    struct taker *taker = arg;
    struct arena *own = arena_create("taker", 1u << 20);
    struct pg *link = auth_calls_connect();
    struct login_flow data;

    if (!pg_is_up(link)) abort();
    pthread_barrier_wait(&at_once);
    taker->e = taker->how(link, own, taker->purpose, taker->secret, NULL, &data);
    if (taker->e == OK) taker->e = pg_commit(link);
    pg_destroy(&link);
    arena_destroy(&own);
    return NULL;
}

static int successes_of_many(use_fn *how, const struct single_use_purpose *purpose, struct str secret)
{
    struct taker takers[TAKERS];
    int n = 0;

    pthread_barrier_init(&at_once, NULL, TAKERS);
    for (int i = 0; i < TAKERS; i++) {
        takers[i] = (struct taker){ .how = how, .purpose = purpose, .secret = secret };
        assert_int_equal(pthread_create(&takers[i].thread, NULL, run_taker, &takers[i]), 0);
    }
    for (int i = 0; i < TAKERS; i++) {
        pthread_join(takers[i].thread, NULL);
        assert_true(takers[i].e == OK || takers[i].e == ERR_GONE);
        n += takers[i].e == OK;
    }
    pthread_barrier_destroy(&at_once);
    return n;
}

static void of_fifty_at_once_one_gets_it(void **state)
{
    (void)state;

    assert_int_equal(
        successes_of_many(single_use_take, &single_use_login_flow, make(&single_use_login_flow, somebody())), 1);
}

static void fifty_guesses_at_once_are_as_many_tries_as_there_may_be(void **state)
{
    (void)state;
    struct str secret = make(&single_use_login_flow, somebody());

    assert_int_equal(successes_of_many(single_use_try, &single_use_login_flow, secret), single_use_login_flow.tries);
    assert_int_equal(use(single_use_try, &single_use_login_flow, secret), ERR_GONE);
}

static void it_is_over_with_its_time_and_leaves_the_table(void **state)
{
    (void)state;
    struct id ada = somebody();
    struct str brief, whole = make(&single_use_reset, ada);

    assert_int_equal(make_for(&single_use_reset, ada, STR_NONE, 60, &brief), OK);
    run("UPDATE single_use SET expires_at = expires_at - interval '61 seconds'", PG_NO_ARGS);
    assert_int_equal(use(single_use_take, &single_use_reset, brief), ERR_GONE);
    assert_int_equal(use(single_use_take, &single_use_reset, whole), OK);

    struct call call = { .pg = pg, .arena = arena };
    struct job job = { .key = STR("") };
    struct nothing none;
    int64_t all = count("SELECT count(*) AS version FROM single_use", PG_NO_ARGS);
    assert_int_equal(single_use_expire(&call, &job, &none), OK);
    assert_int_equal(pg_commit(pg), OK);
    assert_int_equal(count("SELECT count(*) AS version FROM single_use", PG_NO_ARGS), all - 1);
}

static void no_life_is_longer_than_its_purpose_has_it(void **state)
{
    (void)state;
    struct str secret;

    run("DELETE FROM single_use", PG_NO_ARGS);
    assert_int_equal(make_for(&single_use_reset, somebody(), STR_NONE, INT64_C(1) << 40, &secret), OK);
    assert_int_equal(count("SELECT count(*) AS version FROM single_use WHERE expires_at - now() BETWEEN"
                           " ($1::bigint - 60) * interval '1 second' AND $1::bigint * interval '1 second'",
                         PG_ARGS(pg_int(single_use_reset.life_s))),
        1);
}

static void one_more_than_there_may_be_ends_the_oldest_or_is_refused(void **state)
{
    (void)state;
    struct id ada = somebody(), bob = somebody();
    struct str oldest = make(&single_use_reset, ada), bobs = make(&single_use_reset, bob), newest = STR_NONE;

    for (int64_t i = 0; i < single_use_reset.most; i++) newest = make(&single_use_reset, ada);
    assert_int_equal(use(single_use_read, &single_use_reset, oldest), ERR_GONE);
    assert_int_equal(use(single_use_read, &single_use_reset, newest), OK);
    assert_int_equal(use(single_use_read, &single_use_reset, bobs), OK);

    for (int64_t i = 0; i < single_use_invite.most; i++)
        assert_int_equal(make_for(&single_use_invite, nobody, STR("root"), 0, &newest), OK);
    assert_int_equal(make_for(&single_use_invite, nobody, STR("root"), 0, &oldest), ERR_QUOTA_EXCEEDED);
    assert_int_equal(make_for(&single_use_invite, nobody, STR("other"), 0, &oldest), OK);
    assert_int_equal(use(single_use_take, &single_use_invite, newest), OK);
    assert_int_equal(make_for(&single_use_invite, nobody, STR("root"), 0, &oldest), OK);
}

static void what_an_account_has_of_one_purpose_is_ended(void **state)
{
    (void)state;
    struct id ada = somebody(), bob = somebody();
    struct str reset = make(&single_use_reset, ada), link = make(&single_use_login_link, ada),
               bobs = make(&single_use_reset, bob);

    assert_int_equal(single_use_end(pg, arena, &single_use_reset, ada), OK);
    assert_int_equal(pg_commit(pg), OK);
    assert_int_equal(use(single_use_take, &single_use_reset, reset), ERR_GONE);
    assert_int_equal(use(single_use_take, &single_use_login_link, link), OK);
    assert_int_equal(use(single_use_take, &single_use_reset, bobs), OK);
}

static void the_table_has_no_secret(void **state)
{
    (void)state;
    struct str secret = make(&single_use_login_link, somebody());
    struct nothing none;

    assert_int_equal(pg_one(pg, arena, nothing_shape(), &none,
                         "SELECT FROM single_use s WHERE strpos(s::text, $1) > 0"
                         " OR strpos(s::text, encode(convert_to($1, 'UTF8'), 'hex')) > 0",
                         PG_ARGS(pg_text(secret))),
        ERR_NOT_FOUND);
    pg_rollback(pg);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_good_once_and_says_whose_it_is),
        cmocka_unit_test(a_use_that_is_undone_was_none),
        cmocka_unit_test(no_secret_is_good_at_another_door),
        cmocka_unit_test(a_row_of_another_purpose_is_found_by_no_secret),
        cmocka_unit_test(what_is_no_secret_is_gone),
        cmocka_unit_test(of_fifty_at_once_one_gets_it),
        cmocka_unit_test(fifty_guesses_at_once_are_as_many_tries_as_there_may_be),
        cmocka_unit_test(it_is_over_with_its_time_and_leaves_the_table),
        cmocka_unit_test(no_life_is_longer_than_its_purpose_has_it),
        cmocka_unit_test(one_more_than_there_may_be_ends_the_oldest_or_is_refused),
        cmocka_unit_test(what_an_account_has_of_one_purpose_is_ended),
        cmocka_unit_test(the_table_has_no_secret),
    };
    return cmocka_run_group_tests_name("single use", tests, start, stop);
}
