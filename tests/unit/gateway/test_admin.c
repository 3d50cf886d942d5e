/* test_admin.c - logins of the admin page: passwords beside the loop, sessions that are signed. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include <crypt.h>

#include "services/gateway/interop/admin_session.h"
#include "services/gateway/interop/login.h"

/* Salts: the least cost there is, and one that takes a while. */
#define QUICK "$2b$04$abcdefghijklmnopqrstuu"
#define SLOW  "$2b$10$abcdefghijklmnopqrstuu"

struct outcome {
    struct ev_loop *loop;
    int right, wrong, wanted;
};

static const char *hash_of(const char *password, const char *salt)
{
    static struct crypt_data space;

    return crypt_r(password, salt, &space);
}

/* Of this thread, so that whatever else the machine does has no part in it. */
static int64_t cpu_us(void)
{
    struct timespec used;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * 1000000 + used.tv_nsec / 1000;
}

static void on_checked(void *arg, bool right)
{
    struct outcome *o = arg;

    if (right)
        o->right++;
    else
        o->wrong++;
    if (o->right + o->wrong == o->wanted) ev_break(o->loop, EVBREAK_ALL);
}

static void a_password_is_right_or_wrong(void **state)
{
    struct outcome o = { .loop = ev_loop_new(0), .wanted = 4 };
    struct login *login = login_create(o.loop, hash_of("secret", QUICK));

    (void)state;
    assert_true(login_check(login, STR("secret"), on_checked, &o));
    assert_true(login_check(login, STR("Secret"), on_checked, &o));
    assert_true(login_check(login, STR(""), on_checked, &o));
    assert_true(login_check(login, STR("secret2"), on_checked, &o));
    assert_int_equal(o.right + o.wrong, 0);
    ev_run(o.loop, 0);
    assert_int_equal(o.right, 1);
    assert_int_equal(o.wrong, 3);
    login_destroy(&login);
    ev_loop_destroy(o.loop);
}

static void without_a_hash_nobody_gets_in(void **state)
{
    static const char *const hashes[] = { "", "*0", "secret", "$2b$99$x" };

    (void)state;
    for (size_t i = 0; i < sizeof hashes / sizeof *hashes; i++) {
        struct outcome o = { .loop = ev_loop_new(0), .wanted = 2 };
        struct login *login = login_create(o.loop, hashes[i]);
        assert_true(login_check(login, STR("secret"), on_checked, &o));
        assert_true(login_check(login, str_of(hashes[i]), on_checked, &o));
        ev_run(o.loop, 0);
        assert_int_equal(o.wrong, 2);
        login_destroy(&login);
        ev_loop_destroy(o.loop);
    }
}

static void only_so_many_wait_and_the_loop_never_does(void **state)
{
    struct outcome o = { .loop = ev_loop_new(0), .wanted = LOGIN_THREADS + LOGIN_WAITING };
    int64_t before = cpu_us();
    const char *hash = hash_of("secret", SLOW);
    int64_t one_hash = cpu_us() - before;
    struct login *login = login_create(o.loop, hash);
    int taken = 0;

    (void)state;
    before = cpu_us();
    while (login_check(login, STR("secret"), on_checked, &o)) taken++;
    assert_int_equal(taken, LOGIN_THREADS + LOGIN_WAITING);
    assert_true(cpu_us() - before < one_hash);
    login_destroy(&login); /* with two at work: they are waited for, the others are told no */
    assert_int_equal(o.right, 0);
    assert_int_equal(o.wrong, taken);
    ev_loop_destroy(o.loop);
}

static bool is_good(const char *session, const char *user, const char *hash, int64_t now_s)
{
    return admin_session_is_good(str_of(session), user, hash, now_s);
}

static void a_session_is_good_for_its_user_password_and_time(void **state)
{
    char session[ADMIN_SESSION_MAX], other[ADMIN_SESSION_MAX];

    (void)state;
    admin_session_make(session, "admin", "hash", 1000);
    assert_true(is_good(session, "admin", "hash", 999));
    assert_false(is_good(session, "admin", "hash", 1000));
    assert_false(is_good(session, "root", "hash", 999));
    assert_false(is_good(session, "admin", "new hash", 999));
    memcpy(other, session, sizeof other);
    other[0] = '9';
    assert_false(is_good(other, "admin", "hash", 999));
    for (size_t n = strlen(session); n-- > 0;) {
        memcpy(other, session, sizeof other);
        other[n] = '\0';
        assert_false(is_good(other, "admin", "hash", 999));
        memcpy(other, session, sizeof other);
        other[n] ^= 1;
        assert_false(is_good(other, "admin", "hash", 0));
    }
    assert_false(is_good("", "admin", "hash", 0));
    assert_false(is_good(".", "admin", "hash", 0));
    assert_false(is_good("9999999999999999999999.x", "admin", "hash", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_is_right_or_wrong),
        cmocka_unit_test(without_a_hash_nobody_gets_in),
        cmocka_unit_test(only_so_many_wait_and_the_loop_never_does),
        cmocka_unit_test(a_session_is_good_for_its_user_password_and_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
