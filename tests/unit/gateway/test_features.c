/* test_features.c - the one way in, and the order in which features hear of a socket. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "services/gateway/identity/client.h"

/* --- one socket, as the layer below has it --- */

struct sio_socket {
    size_t held;
    void *user;
    bool open;
    const char *refused;
    char sid[EIO_SID_CHARS + 1];
};
static struct sio_socket socket;

struct str sio_nsp(const struct sio_socket *s)
{
    (void)s;
    return STR("/chat");
}
const char *sio_sid(const struct sio_socket *s)
{
    return s->sid;
}
struct str sio_address(const struct sio_socket *s)
{
    (void)s;
    return STR("127.0.0.1");
}
struct sio_socket *sio_socket_take(struct sio_socket *s)
{
    return s;
}
void sio_socket_drop(struct sio_socket *s)
{
    (void)s;
}
void sio_emit(struct sio_socket *s, const char *name, struct str args)
{
    (void)s, (void)name, (void)args;
}
void sio_ack(struct sio_socket *s, int64_t ack, struct str array, const struct str *attachments, unsigned n)
{
    (void)s, (void)ack, (void)array, (void)attachments, (void)n;
}
bool sio_is_of(const struct sio_socket *s, const void *arg)
{
    (void)s, (void)arg;
    return true;
}
void sio_set_user(struct sio_socket *s, void *user)
{
    s->user = user;
}
void *sio_user(const struct sio_socket *s)
{
    return s->user;
}
void sio_accept_as(struct sio_socket *s, const char *sid, const char *pid)
{
    (void)pid;
    s->open = true;
    if (sid != NULL) snprintf(s->sid, sizeof s->sid, "%s", sid);
}
void sio_refuse(struct sio_socket *s, const char *message, struct str data)
{
    (void)data;
    s->refused = message;
}
void sio_hang_up(struct sio_socket *s)
{
    (void)s;
}
void sio_disconnect(struct sio_socket *s)
{
    (void)s;
}
enum err sio_belongs(struct sio_socket *s, struct str subject)
{
    (void)s, (void)subject;
    return OK;
}
enum err sio_hold(struct sio_socket *s, size_t bytes)
{
    s->held += bytes;
    return OK;
}

void sio_release(struct sio_socket *s, size_t bytes)
{
    s->held -= bytes;
}

int64_t sio_charge_connect(struct sio_socket *s)
{
    (void)s;
    return 0;
}
void sio_count_refusal(struct sio_socket *s)
{
    (void)s;
}
size_t sio_auth_bytes_max(const struct sio_socket *s)
{
    (void)s;
    return 1000;
}
struct sio_socket *sio_sibling(struct sio_socket *s, const char *nsp)
{
    (void)s, (void)nsp;
    return NULL;
}
bool sio_is_open(const struct sio_socket *s)
{
    return s->open;
}

/* --- two features that write down what they hear --- */

static char heard[400];
static enum err arrival_is;
static bool takes; /* b resumes whoever comes */
static struct arrival taken;

static void note(const char *object, const char *what)
{
    snprintf(heard + strlen(heard), sizeof heard - strlen(heard), "%s%s ", object, what);
}

static enum err on_arrive(void *object, struct arrival *arrival)
{
    (void)arrival;
    note(object, ".arrive");
    return arrival_is;
}
static bool on_resume(void *object, struct arrival *arrival)
{
    note(object, ".resume");
    if (strcmp(object, "b") != 0 || !takes) return false;
    taken = *arrival;
    return true;
}
static void on_open(void *object, struct client *client, const struct arrival *arrival)
{
    (void)client, (void)arrival;
    assert_true(socket.open); /* its CONNECT is the first that it hears */
    note(object, ".open");
}
static void on_restore(void *object, struct client *client, const struct record *record)
{
    (void)client;
    assert_int_equal(record->next_room_no, 7);
    note(object, ".restore");
}
static bool on_event(void *object, struct client *client, const struct sio_event *event)
{
    (void)client;
    note(object, ".event");
    return str_is(event->name, object);
}
static void on_closed(void *object, struct client *client, const char *reason)
{
    (void)client, (void)reason;
    note(object, ".closed");
}
static void on_touched(void *object, struct client *client)
{
    (void)client;
    note(object, ".touched");
}
static void on_entered(void *object, struct client *client, struct id room)
{
    (void)client, (void)room;
    note(object, ".entered");
}
static void on_left(void *object, struct client *client, struct id room)
{
    (void)client, (void)room;
    note(object, ".left");
}
static const struct client_feature feature = { .slot_bytes = 12,
    .arrive = on_arrive,
    .resume = on_resume,
    .open = on_open,
    .restore = on_restore,
    .event = on_event,
    .touched = on_touched,
    .entered = on_entered,
    .left = on_left,
    .closed = on_closed };

static struct ev_loop *loop;
static struct clients *clients;
static struct sio_namespace nsp;

static int begin(void **state)
{
    (void)state;
    loop = ev_loop_new(EVFLAG_AUTO);
    clients = clients_create(loop, NULL, NULL, 0);
    clients_add_feature(clients, 0, &feature, (void *)(uintptr_t) "a");
    clients_add_feature(clients, 1, &feature, NULL);
    clients_add_feature(clients, 2, &feature, (void *)(uintptr_t) "b");
    nsp = clients_namespace(clients, "/chat");
    socket = (struct sio_socket){ .sid = "its own sid" };
    heard[0] = '\0';
    arrival_is = OK;
    takes = false;
    return 0;
}

static int end(void **state)
{
    (void)state;
    if (socket.user != NULL) nsp.disconnected(nsp.arg, &socket, "transport close");
    clients_destroy(&clients);
    ev_loop_destroy(loop);
    return 0;
}

static void connect_it(void)
{
    nsp.connect(nsp.arg, &socket, STR_NONE);
}

static void assert_heard(const char *what)
{
    assert_string_equal(heard, what);
    heard[0] = '\0';
}

static void who_begins_is_opened_in_the_order_of_the_list_and_closed_backwards(void **state)
{
    (void)state;
    connect_it();
    assert_heard("a.arrive b.arrive a.resume b.resume a.open b.open ");
    nsp.disconnected(nsp.arg, &socket, "transport close");
    assert_heard("b.closed a.closed ");
    assert_int_equal(clients_count(clients), 0);
}

static void who_is_resumed_goes_the_same_way_when_its_feature_admits_it(void **state)
{
    (void)state;
    takes = true;
    connect_it();
    assert_heard("a.arrive b.arrive a.resume b.resume ");
    assert_false(socket.open);
    taken.record = &(struct record){ .next_room_no = 7 };
    taken.sid = "the former sid";
    clients_admit(&taken);
    assert_heard("a.open a.restore b.open b.restore ");
    assert_string_equal(socket.sid, "the former sid");
}

static void who_is_refused_on_the_way_in_is_nobodys(void **state)
{
    (void)state;
    arrival_is = ERR_RATE_LIMITED;
    connect_it();
    assert_heard("a.arrive ");
    assert_non_null(socket.refused);
    assert_null(socket.user);
}

static void an_event_is_for_the_first_that_takes_it(void **state)
{
    (void)state;
    connect_it();
    heard[0] = '\0';
    nsp.event(nsp.arg, &socket, &(struct sio_event){ .name = STR("a") });
    assert_heard("a.event ");
    nsp.event(nsp.arg, &socket, &(struct sio_event){ .name = STR("b") });
    assert_heard("a.event b.event ");
    client_touch(socket.user);
    assert_heard("a.touched b.touched ");
}

static void a_room_is_left_in_the_order_of_the_end(void **state)
{
    (void)state;
    connect_it();
    heard[0] = '\0';
    client_entered(socket.user, id_new());
    assert_heard("a.entered b.entered ");
    client_left(socket.user, id_new());
    assert_heard("b.left a.left ");
}

static void each_has_a_slot_of_its_own_and_who_is_not_there_has_none(void **state)
{
    (void)state;
    connect_it();
    char *a = client_slot(socket.user, 0), *b = client_slot(socket.user, 2);
    assert_null(client_slot(socket.user, 1));
    assert_true(b - a >= 12 && (uintptr_t)b % 8 == 0 && a >= (char *)socket.user + sizeof(struct client));
    for (int i = 0; i < 12; i++) assert_true(a[i] == 0 && b[i] == 0);
    memset(a, 1, 12);
    memset(b, 2, 12);
    assert_true(a[11] == 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_begins_is_opened_in_the_order_of_the_list_and_closed_backwards),
        TEST(who_is_resumed_goes_the_same_way_when_its_feature_admits_it),
        TEST(who_is_refused_on_the_way_in_is_nobodys),
        TEST(an_event_is_for_the_first_that_takes_it),
        TEST(a_room_is_left_in_the_order_of_the_end),
        TEST(each_has_a_slot_of_its_own_and_who_is_not_there_has_none),
    };

    return cmocka_run_group_tests_name("features", tests, NULL, NULL);
}
