/* test_member_cache.c - who is in which room, against a database that answers when the test wants. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "services/chat/members/member_cache.h"
#include "services/chat/rooms/room_read.h"

#define MAX_BYTES (1u << 20)
#define READS_MAX 8

/* --- the database: a room as it is now; a reading has it as it was when it began --- */

static struct id room;
static int64_t version;
static const char *role_of_ada, *role_of_bo;
static size_t fillers; /* other members */

struct room_reading {
    struct room_read read;
    int64_t version;
    const char *ada, *bo;
};
static struct room_reading readings[READS_MAX];
static size_t n_readings;
static bool has_workers;

bool room_read_begin(struct rpc_server *server, struct str subject, const struct room_read *what)
{
    (void)server, (void)subject;
    if (!has_workers) return false;
    assert_true(n_readings < READS_MAX);
    readings[n_readings++] = (struct room_reading){ *what, version, role_of_ada, role_of_bo };
    return true;
}

static void fill(struct members *members, const struct room_reading *r)
{
    char name[40];

    members_set(members, STR("ada"), (struct member_access){ .role = str_of(r->ada) }, r->version);
    members_set(members, STR("bo"), (struct member_access){ .role = str_of(r->bo) }, r->version);
    for (size_t i = 0; i < fillers; i++) {
        snprintf(name, sizeof name, "somebody %zu", i);
        members_set(members, str_of(name), (struct member_access){ .role = STR("member") }, r->version);
    }
}

/* The oldest reading comes back. */
static void end_reading(enum err e)
{
    struct room_reading r = readings[0];

    for (size_t i = 1; i < n_readings; i++) readings[i - 1] = readings[i];
    n_readings--;
    r.read.exists = r.version > 0;
    r.read.version = r.version;
    r.read.members = members_create();
    fill(r.read.members, &r);
    if (r.read.only.len == 0 && members_bytes(r.read.members) > r.read.most_bytes) members_forget(r.read.members);
    r.read.done(&r.read, e);
    members_destroy(&r.read.members);
}

/* --- what is asked --- */

static struct member_cache *rooms;
static int answers;
static enum err answered;
static char role[16];

static void on_role(void *arg, enum err e, struct member_access is)
{
    (void)arg;
    answers++;
    answered = e;
    snprintf(role, sizeof role, "%.*s", STR_ARG(is.role));
}

static void ask(struct str subject)
{
    answers = 0;
    member_cache_ask(rooms, NULL, room, subject, on_role, NULL);
}

/* And what is read for it comes back at once. */
static const char *role_now(struct str subject)
{
    ask(subject);
    while (n_readings > 0) end_reading(OK);
    assert_int_equal(answers, 1);
    assert_int_equal(answered, OK);
    return role;
}

/* A commit, of which chat hears or not. */
static void change(struct str subject, const char *to, bool is_heard)
{
    struct access_change who = { .room = room, .subject = subject, .role = str_of(to) };

    *(str_is(subject, "ada") ? &role_of_ada : &role_of_bo) = to;
    version++;
    if (is_heard) member_cache_change(rooms, room, version, (struct access_change_list){ &who, 1 });
}

static int begin(void **state)
{
    (void)state;
    room = id_new();
    version = 1;
    role_of_ada = role_of_bo = "member";
    fillers = n_readings = 0;
    has_workers = true;
    rooms = member_cache_create(MAX_BYTES);
    return 0;
}

static int end(void **state)
{
    (void)state;
    member_cache_destroy(&rooms);
    return 0;
}

/* --- the tests --- */

static void one_reading_answers_all_who_wait_and_who_come_later(void **state)
{
    (void)state;
    ask(STR("ada"));
    member_cache_ask(rooms, NULL, room, STR("bo"), on_role, NULL);
    assert_int_equal(n_readings, 1);
    end_reading(OK);
    assert_int_equal(answers, 2);
    ask(STR("nobody"));
    assert_true(answers == 1 && n_readings == 0 && answered == OK);
    assert_string_equal(role, "");
}

static void a_change_is_obeyed_without_a_reading(void **state)
{
    (void)state;
    assert_string_equal(role_now(STR("ada")), "member");
    change(STR("ada"), "", true);
    ask(STR("ada"));
    assert_int_equal(n_readings, 0);
    assert_string_equal(role, "");
}

static void what_was_read_before_a_change_is_read_again(void **state)
{
    (void)state;
    ask(STR("ada"));
    change(STR("ada"), "", true);
    end_reading(OK);
    assert_int_equal(answers, 0);
    end_reading(OK);
    assert_int_equal(answers, 1);
    assert_string_equal(role, "");
}

static void after_a_change_that_was_not_heard_all_is_read_again(void **state)
{
    (void)state;
    assert_string_equal(role_now(STR("ada")), "member");
    change(STR("ada"), "", false);
    change(STR("bo"), "owner", true);
    ask(STR("ada"));
    assert_int_equal(n_readings, 1);
    end_reading(OK);
    assert_string_equal(role, "");
}

static void an_older_change_undoes_no_newer_one(void **state)
{
    (void)state;
    struct access_change late = { .room = room, .subject = STR("ada"), .role = STR("member") };

    assert_string_equal(role_now(STR("ada")), "member");
    change(STR("ada"), "", true);
    member_cache_change(rooms, room, version, (struct access_change_list){ &late, 1 });
    member_cache_change(rooms, room, version - 1, (struct access_change_list){ &late, 1 });
    assert_string_equal(role_now(STR("ada")), "");
}

static void an_older_change_makes_no_older_reading_good(void **state)
{
    (void)state;
    struct access_change late = { .room = room, .subject = STR("bo"), .role = STR("owner") };

    change(STR("bo"), "owner", false);
    ask(STR("ada"));
    change(STR("ada"), "", true);
    member_cache_change(rooms, room, version - 1, (struct access_change_list){ &late, 1 });
    end_reading(OK);
    assert_int_equal(answers, 0);
    end_reading(OK);
    assert_string_equal(role, "");
}

/* Of a room that is too large to be remembered whole. */
static void begin_large_room(void)
{
    fillers = MAX_BYTES / 100;
    assert_string_equal(role_now(STR("ada")), "member");
    ask(STR("ada"));
    assert_true(answers == 1 && n_readings == 0);
}

static void of_a_large_room_those_are_remembered_who_were_asked_for(void **state)
{
    (void)state;
    begin_large_room();
    ask(STR("bo"));
    assert_true(answers == 0 && n_readings == 1 && readings[0].read.only.len == 2);
    end_reading(OK);
    assert_string_equal(role, "member");
    change(STR("bo"), "", true);
    ask(STR("bo"));
    assert_true(answers == 1 && n_readings == 0);
    assert_string_equal(role, "");
}

static void one_of_a_large_room_who_was_read_before_a_change_is_read_again(void **state)
{
    (void)state;
    begin_large_room();
    ask(STR("bo"));
    change(STR("bo"), "", true);
    end_reading(OK);
    while (n_readings > 0) end_reading(OK);
    assert_int_equal(answers, 1);
    assert_string_equal(role, "");
}

static void no_room_and_no_database_are_told_apart_and_nothing_is_remembered_of_them(void **state)
{
    (void)state;
    ask(STR("ada"));
    end_reading(ERR_UNAVAILABLE);
    assert_int_equal(answered, ERR_UNAVAILABLE);
    has_workers = false;
    ask(STR("ada"));
    assert_int_equal(answered, ERR_OVERLOADED);
    has_workers = true;
    assert_string_equal(role_now(STR("ada")), "member");
    room = id_new();
    version = 0;
    ask(STR("ada"));
    end_reading(OK);
    assert_int_equal(answered, ERR_NOT_FOUND);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_reading_answers_all_who_wait_and_who_come_later),
        TEST(a_change_is_obeyed_without_a_reading),
        TEST(what_was_read_before_a_change_is_read_again),
        TEST(after_a_change_that_was_not_heard_all_is_read_again),
        TEST(an_older_change_undoes_no_newer_one),
        TEST(an_older_change_makes_no_older_reading_good),
        TEST(of_a_large_room_those_are_remembered_who_were_asked_for),
        TEST(one_of_a_large_room_who_was_read_before_a_change_is_read_again),
        TEST(no_room_and_no_database_are_told_apart_and_nothing_is_remembered_of_them),
    };

    return cmocka_run_group_tests_name("member_cache", tests, NULL, NULL);
}
