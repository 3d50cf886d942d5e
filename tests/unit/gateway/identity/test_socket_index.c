/* test_socket_index.c - tokens and sockets that come and go at random, against a list of all of them. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "libshared/base/arena.h"
#include "services/gateway/identity/ended.h"
#include "services/gateway/identity/socket_index.h"

#define TOKENS  400
#define SOCKETS 900
#define STEPS   20000

static struct socket_index index;
static struct index_token tokens[TOKENS];
static struct index_socket sockets[SOCKETS];
static bool is_in[TOKENS];
static int token_of[SOCKETS]; /* -1: none */

static struct str name_of(int by, int i)
{
    static const struct str names[] = { { "ada", 3 }, { "bo", 2 }, { "cy", 2 }, { "di", 2 }, { NULL, 0 } };

    /* Everybody has a subject; of keys, sessions and policies some tokens have none. */
    return names[by == INDEX_SUBJECT ? i % 4 : (i * 7 + by) % 5];
}

static void put(int i)
{
    for (int by = 0; by < INDEX_COUNT; by++) tokens[i].name[by] = name_of(by, i);
    socket_index_add(&index, &tokens[i]);
    is_in[i] = true;
}

static bool has_sockets(int token)
{
    for (int i = 0; i < SOCKETS; i++)
        if (token_of[i] == token) return true;
    return false;
}

static void step(void)
{
    int token = rand() % TOKENS, socket = rand() % SOCKETS;

    if (!is_in[token]) {
        put(token);
    } else if (token_of[socket] >= 0) {
        index_socket_remove(&sockets[socket]);
        token_of[socket] = -1;
    } else if (rand() % 4 > 0 || has_sockets(token)) {
        index_socket_add(&tokens[token], &sockets[socket]);
        token_of[socket] = token;
    } else {
        socket_index_remove(&index, &tokens[token]);
        is_in[token] = false;
    }
}

static int found[SOCKETS];

static void mark(void *arg, struct index_socket *socket)
{
    (void)arg;
    found[socket - sockets]++;
}

/* Each socket whose token has the name, once, and no other. */
static void compare(enum index_by by, int i)
{
    struct str name = name_of((int)by, i);

    for (int k = 0; k < SOCKETS; k++) found[k] = 0;
    socket_index_each(&index, by, name, mark, NULL);
    for (int k = 0; k < SOCKETS; k++) {
        bool expected = name.len > 0 && token_of[k] >= 0 && str_eq(tokens[token_of[k]].name[by], name);
        assert_int_equal(found[k], expected);
    }
}

static void whoever_comes_and_goes_is_found_by_each_name_and_by_no_other(void **state)
{
    (void)state;
    srand(7);
    for (int i = 0; i < SOCKETS; i++) token_of[i] = -1;
    for (int i = 0; i < STEPS; i++) {
        step();
        if (i % 50 == 0) socket_index_check(&index);
        if (i % 500 == 0) compare((enum index_by)(rand() % INDEX_COUNT), rand() % TOKENS);
    }
    for (int i = 0; i < SOCKETS; i++) index_socket_remove(&sockets[i]);
    for (int i = 0; i < TOKENS; i++)
        if (is_in[i]) socket_index_remove(&index, &tokens[i]);
    socket_index_check(&index);
    socket_index_free(&index);
}

static void what_has_ended_is_remembered_until_it_is_over(void **state)
{
    (void)state;
    struct ended *ended = ended_create();

    ended_note(ended, ENDED_SUBJECT, STR("ada"), 5, 100);
    ended_note(ended, ENDED_SESSION, STR("ada"), 7, 200);
    ended_note(ended, ENDED_SUBJECT, STR("bo"), 9, 300);
    assert_int_equal(ended_find(ended, ENDED_SUBJECT, STR("ada")), 5);
    assert_int_equal(ended_find(ended, ENDED_SESSION, STR("ada")), 7);
    assert_int_equal(ended_find(ended, ENDED_KEY, STR("ada")), -1);
    assert_int_equal(ended_find(ended, ENDED_SUBJECT, STR_NONE), -1);
    ended_note(ended, ENDED_SUBJECT, STR("ada"), 11, 400); /* again */
    ended_forget(ended, 301);
    assert_int_equal(ended_count(ended), 1);
    assert_int_equal(ended_find(ended, ENDED_SUBJECT, STR("ada")), 11);
    ended_destroy(&ended);
}

static void the_longest_names_are_told_apart(void **state)
{
    (void)state;
    struct ended *ended = ended_create();
    char a[513], b[513];

    for (int i = 0; i < 512; i++) a[i] = b[i] = 'x';
    a[511] = 'a';
    ended_note(ended, ENDED_SUBJECT, (struct str){ a, 512 }, 1, 2);
    assert_int_equal(ended_find(ended, ENDED_SUBJECT, (struct str){ b, 512 }), -1);
    assert_int_equal(ended_find(ended, ENDED_SUBJECT, (struct str){ a, 512 }), 1);
    ended_destroy(&ended);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_comes_and_goes_is_found_by_each_name_and_by_no_other),
        cmocka_unit_test(what_has_ended_is_remembered_until_it_is_over),
        cmocka_unit_test(the_longest_names_are_told_apart),
    };

    return cmocka_run_group_tests_name("socket_index", tests, NULL, NULL);
}
