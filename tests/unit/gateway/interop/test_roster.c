/* test_roster.c - rooms by name: who is in them, and what that costs whom. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "services/gateway/interop/roster.h"
#include "tests/lib/heap.h"

#define ROOMS_MAX 1000

/* --- the sockets, which hold so much --- */

struct sio_socket {
    char sid[EIO_SID_CHARS + 1];
    size_t held, most;
    struct client client;
    unsigned touched;
    max_align_t slot[16];
};
static struct sio_socket sockets[3];
static struct roster *roster;

enum err sio_hold(struct sio_socket *socket, size_t bytes)
{
    if (socket->held + bytes > socket->most) return ERR_TOO_LARGE;
    socket->held += bytes;
    return OK;
}
void sio_hold_anyway(struct sio_socket *socket, size_t bytes)
{
    socket->held += bytes;
}
void sio_release(struct sio_socket *socket, size_t bytes)
{
    assert_true(socket->held >= bytes);
    socket->held -= bytes;
}
const char *sio_sid(const struct sio_socket *socket)
{
    return socket->sid;
}
struct str sio_nsp(const struct sio_socket *socket)
{
    (void)socket;
    return STR("/chat");
}
void *sio_user(const struct sio_socket *socket)
{
    return (void *)(uintptr_t)&socket->client;
}
void *client_slot(struct client *client, unsigned feature)
{
    assert_int_equal(feature, FEATURE_roster);
    return client->socket->slot;
}
void client_touch(struct client *client)
{
    client->socket->touched++;
}

void rooms_each_socket(
    struct rooms *rooms, struct id room_id, void (*visit)(void *arg, struct sio_socket *socket), void *arg)
{
    (void)rooms, (void)room_id, (void)visit, (void)arg;
    fail();
}

static int set_up(void **state)
{
    (void)state;
    roster = roster_create(NULL, ROOMS_MAX);
    assert_true(roster_feature.slot_bytes <= sizeof sockets[0].slot);
    for (size_t i = 0; i < COUNT(sockets); i++) {
        memset(&sockets[i], 0, sizeof sockets[i]);
        snprintf(sockets[i].sid, sizeof sockets[i].sid, "socket-%013zu", i);
        sockets[i].client.socket = &sockets[i];
        sockets[i].most = SIZE_MAX;
        roster_feature.open(roster, &sockets[i].client, NULL);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(sockets); i++) {
        roster_feature.closed(roster, &sockets[i].client, "");
        assert_int_equal(sockets[i].held, 0);
    }
    roster_feature.destroy(roster);
    return 0;
}

static void join_room(struct sio_socket *socket, struct str name)
{
    roster_join(roster, &socket->client, &name, 1);
}

static size_t members(struct str name)
{
    struct client *const *list;

    return roster_select(roster, &(struct selection){ .nsp = STR("/chat"), .rooms = &name, .n_rooms = 1 }, &list);
}

/* A name of so many bytes, the i-th of them. */
static struct str long_name(size_t i)
{
    static char name[ROSTER_NAME_MAX];

    memset(name, 'x', sizeof name);
    snprintf(name, sizeof name, "%08zu", i);
    name[8] = 'x';
    return (struct str){ name, sizeof name };
}

static void what_a_room_takes_counts_for_who_is_in_it_and_is_given_back(void **state)
{
    struct str tea = STR("tea");

    (void)state;
    join_room(&sockets[0], tea);
    size_t one = sockets[0].held;
    assert_true(one > tea.len);
    join_room(&sockets[0], tea); /* is there already */
    assert_int_equal(sockets[0].held, one);
    join_room(&sockets[1], tea);
    assert_int_equal(sockets[1].held, one);
    roster_leave(roster, &sockets[0].client, &tea, 1);
    assert_int_equal(sockets[0].held, 0);
    assert_int_equal(members(tea), 1);
}

static void who_holds_too_much_is_put_into_no_further_room(void **state)
{
    (void)state;
    sockets[0].most = 100000;
    for (size_t i = 0; i < ROOMS_MAX; i++) join_room(&sockets[0], long_name(i));
    assert_in_range(sockets[0].held, 90000, 100000);
    unsigned touched = sockets[0].touched;
    join_room(&sockets[0], long_name(ROOMS_MAX));
    assert_int_equal(sockets[0].touched, touched);
    assert_int_equal(members(long_name(ROOMS_MAX)), 0);
    join_room(&sockets[1], long_name(ROOMS_MAX));
    assert_int_equal(members(long_name(ROOMS_MAX)), 1);
}

/* Long names, and short ones in which nobody else is. */
static void no_more_is_taken_than_is_counted(void **state)
{
    char name[8];

    (void)state;
    size_t before = heap_bytes();
    for (size_t i = 0; i < ROOMS_MAX; i++) join_room(&sockets[0], long_name(i));
    for (size_t i = 0; i < ROOMS_MAX; i++) {
        snprintf(name, sizeof name, "%zu", i);
        join_room(&sockets[1], str_of(name));
    }
    size_t taken = heap_bytes() - before, counted = sockets[0].held + sockets[1].held;
    printf("# %zu bytes are counted of %zu\n", counted, taken);
    assert_true(taken <= counted + HEAP_SLACK);
}

/* A lost connection that is taken up has them already. */
static void names_of_a_record_are_counted_and_not_refused(void **state)
{
    struct str names[] = { STR("tea"), STR("milk") };
    struct record record = { .names = names, .n_names = 2 };

    (void)state;
    sockets[0].most = 0;
    roster_feature.restore(roster, &sockets[0].client, &record);
    assert_int_equal(members(STR("milk")), 1);
    assert_true(sockets[0].held > 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_a_room_takes_counts_for_who_is_in_it_and_is_given_back),
        TEST(who_holds_too_much_is_put_into_no_further_room),
        TEST(no_more_is_taken_than_is_counted),
        TEST(names_of_a_record_are_counted_and_not_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
