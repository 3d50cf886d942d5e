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

#include "libshared/base/clock.h"
#include "services/gateway/interop/admin_session.h"
#include "services/gateway/interop/login.h"

/* Salts: the least cost there is, and one that takes a while. */
#define QUICK "$2b$04$abcdefghijklmnopqrstuu"
#define SLOW  "$2b$10$abcdefghijklmnopqrstuu"
#define HERE  STR("192.0.2.1")

struct login_outcomes {
    struct ev_loop *loop;
    int right, wrong, refused, wanted;
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

static void on_checked(void *arg, enum err e)
{
    struct login_outcomes *o = arg;

    if (e == OK)
        o->right++;
    else if (e == ERR_UNAUTHENTICATED)
        o->wrong++;
    else
        o->refused++;
    if (o->right + o->wrong == o->wanted) ev_break(o->loop, EVBREAK_ALL);
}

static void a_password_is_right_or_wrong(void **state)
{
    struct login_outcomes o = { .loop = ev_loop_new(0), .wanted = 4 };
    struct login *login = login_create(o.loop, hash_of("secret", QUICK));

    (void)state;
    login_check(login, HERE, STR("secret"), on_checked, &o);
    login_check(login, HERE, STR("Secret"), on_checked, &o);
    login_check(login, HERE, STR(""), on_checked, &o);
    login_check(login, HERE, STR("secret2"), on_checked, &o);
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
        struct login_outcomes o = { .loop = ev_loop_new(0), .wanted = 2 };
        struct login *login = login_create(o.loop, hashes[i]);
        login_check(login, HERE, STR("secret"), on_checked, &o);
        login_check(login, HERE, str_of(hashes[i]), on_checked, &o);
        ev_run(o.loop, 0);
        assert_int_equal(o.wrong, 2);
        login_destroy(&login);
        ev_loop_destroy(o.loop);
    }
}

static void check_from(struct login *login, const char *network, int n, struct login_outcomes *o)
{
    char address[40];

    snprintf(address, sizeof address, "%s%d", network, n);
    login_check(login, str_of(address), STR("secret"), on_checked, o);
}

static void only_so_many_wait_and_the_loop_never_does(void **state)
{
    struct login_outcomes o = { .loop = ev_loop_new(0), .wanted = -1 };
    int64_t before = cpu_us();
    const char *hash = hash_of("secret", SLOW);
    int64_t one_hash = cpu_us() - before;
    struct login *login = login_create(o.loop, hash);
    int asked = 0;

    (void)state;
    before = cpu_us();
    int64_t began = clock_mono_us();
    while (o.refused == 0 && asked < 100)
        check_from(login, "192.0.2.", asked++, &o); /* an address of its own for each */
    /* On a busy machine hashes end while this thread waits for its turn. */
    int64_t done = 2 * (clock_mono_us() - began) / one_hash * LOGIN_THREADS;
    assert_in_range(asked - 1, LOGIN_WAITING, LOGIN_WAITING + LOGIN_THREADS + done); /* what runs has left the queue */
    assert_true(cpu_us() - before < one_hash);
    login_destroy(&login); /* what is at work is waited for, and nobody is told yes any more */
    assert_int_equal(o.right + o.wrong, 0);
    assert_int_equal(o.refused, asked);
    ev_loop_destroy(o.loop);
}

static void one_address_leaves_room_for_the_others(void **state)
{
    struct login_outcomes mine = { .loop = ev_loop_new(0), .wanted = -1 }, other = { .loop = mine.loop, .wanted = 1 };
    struct login *login = login_create(mine.loop, hash_of("secret", QUICK));
    int asked = 0;

    (void)state;
    for (; asked < 50 || mine.refused == 0; asked++) check_from(login, "192.0.2.", 1, &mine);
    int refused = mine.refused;
    for (int i = 0; i < 50 || mine.refused == refused; i++, asked++)
        check_from(login, "2001:db8::", i % 1000, &mine); /* a host has them all */
    check_from(login, "192.0.2.", 2, &other);
    assert_int_equal(other.refused, 0);
    assert_true(mine.refused <= asked - 2 * (LOGIN_WAITING / 4)); /* nobody had to give way */
    ev_run(mine.loop, 0);
    assert_int_equal(other.right, 1);
    login_destroy(&login);
    ev_loop_destroy(mine.loop);
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
        cmocka_unit_test(one_address_leaves_room_for_the_others),
        cmocka_unit_test(a_session_is_good_for_its_user_password_and_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
