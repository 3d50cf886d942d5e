/* test_rpc_wake.c - a send that finds no room takes nobody's news: what has come meanwhile is read. */
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/rpc/fixture.h"
#include "tests/unit/rpc/raw.h"

#include <poll.h>

#include "libshared/rpc/rpc_client_private.h"
#include "libshared/rpc/rpc_server_private.h"

#define LARGE     20000 /* bytes, of two each character: a message of its own */
#define LOOK_MS   5  /* between two sends ZeroMQ looks into a socket's mailbox, unless the last look is a moment ago */
#define STUCK_FOR 40 /* looks in a row that find no room: what is on its way has arrived */
#define TURNS     200 /* of the loop, before a heartbeat that is not answered ends the connection, which is news as well */

static char large[LARGE];
static int n_calls;

static enum err run_count(struct call *call, const void *req, void *rep)
{
    (void)call;
    n_calls++;
    *(struct room_ref *)rep = *(const struct room_ref *)req;
    return OK;
}

static struct rpc_peer *reader;

static enum err run_subscribe(struct call *call, const void *req, void *rep)
{
    reader = call->peer;
    *(struct room_ref *)rep = *(const struct room_ref *)req;
    return OK;
}

static const struct rpc_method METHODS[] = {
    ROOM_METHOD("count.loop", LOOP, .run = run_count),
    ROOM_METHOD("room.subscribe", LOOP, .run = run_subscribe),
};

/* Nobody has read it: a send may take it yet. */
static void await_news(void *socket)
{
    struct pollfd item = { .events = POLLIN };
    size_t size = sizeof item.fd;

    assert_int_equal(zmq_getsockopt(socket, ZMQ_FD, &item.fd, &size), 0);
    assert_int_equal(poll(&item, 1, WAIT_MS), 1);
    usleep(LOOK_MS * 1000);
}

/*
 * Of so many rounds. On a busy machine something else may come in one and wake the loop as well, and in another the loop has
 * had its turns before what was told could be read; without the look after a send that found no room, hardly any is heard.
 */
#define ROUNDS 10

static bool within_turns(const int *count, int wanted)
{
    for (int i = 0; i < TURNS && *count < wanted; i++) turn_for(LOOK_MS);
    return *count >= wanted;
}

/* --- a client whose server does not read, and speaks --- */

static enum put put_large(struct probe *probe)
{
    zmq_msg_t body;
    zmq_msg_init_data(&body, large, sizeof large, NULL, NULL);
    enum put put = rpc_link_put(
        probe->client, &(struct frame_request){ .id = 1000, .method = STR("count.loop"), .budget_ms = 1000 }, &body);
    zmq_msg_close(&body);
    usleep(put == PUT_FULL ? LOOK_MS * 1000 : 0);
    return put;
}

static void tell_client(void)
{
    struct buf head = BUF(100);
    frame_put_event(&head, &(struct frame_event){ .seq = 1, .name = STR("told") });
    zmq_send(script.raw, script.id, 5, ZMQ_SNDMORE);
    send_raw(script.raw, buf_str(&head), "\x80");
    buf_free(&head);
}

static void fill_link(struct probe *probe)
{
    for (int full = 0; full < STUCK_FOR;) {
        full = put_large(probe) == PUT_FULL ? full + 1 : 0;
        turn_for(1); /* whatever else has come is read */
    }
}

/* false: there was room after all. */
static bool tell_into_fullness(struct probe *probe)
{
    tell_client();
    await_news(probe->client->socket.raw);
    return put_large(probe) == PUT_FULL;
}

static void a_client_that_finds_no_room_hears_what_it_is_told(void **state)
{
    int heard = 0;

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        struct probe probe;
        int before;
        open_script(&probe, true, 10);
        do {
            fill_link(&probe);
            before = probe.events;
        } while (!tell_into_fullness(&probe));
        heard += within_turns(&probe.events, before + 1);
        close_script(&probe);
    }
    assert_in_range(heard, ROUNDS / 2 + 1, ROUNDS);
}

/* --- a server one of whose peers does not read, while another one asks --- */

static void send_request(void *raw, uint64_t id, const char *method)
{
    char bytes[64];
    struct buf head = BUF(1000);
    frame_put_request(&head, &(struct frame_request){ .id = id, .method = str_of(method), .budget_ms = 5000 });
    struct str body = room_bytes(id_new(), bytes);
    zmq_send(raw, head.at, head.len, ZMQ_SNDMORE);
    zmq_send(raw, body.at, body.len, 0);
    buf_free(&head);
}

static void greet(void *raw)
{
    struct buf head = BUF(1000);
    frame_put_request(&head, &(struct frame_request){ .id = 1, .method = STR("hello"), .budget_ms = 5000 });
    send_raw(raw, buf_str(&head), "\x80");
    buf_free(&head);
}

static bool send_event(struct rpc_server *server)
{
    struct id stream = id_new();
    struct message message = {
        .room = stream, .seq = 1, .id = STR("1"), .sender = STR("alice"), .at = 1, .body = { large, sizeof large }
    };
    struct rpc_event *event = rpc_event_create(stream, 1, "message", message_shape(), &message);
    bool sent = rpc_event_send(server, reader, event);
    rpc_event_destroy(&event);
    return sent;
}

/* Until what its connection and its own pipe take is in them. */
static void fill_pipe(struct rpc_server *server)
{
    for (int full = 0; full < STUCK_FOR;) {
        bool sent = send_event(server);
        full = sent ? 0 : full + 1;
        if (!sent) turn_for(LOOK_MS);
    }
}

static void a_server_that_finds_no_room_for_one_peer_hears_another(void **state)
{
    struct rpc_server_config config = server_config(METHODS, COUNT(METHODS), 0);
    void *context = zmq_ctx_new();

    (void)state;
    config.event_hwm = 10;
    struct rpc_server *server = rpc_server_create(fx.loop, &config);
    void *stuck = open_raw(context, 10), *asker = open_raw(context, UNREAD_USUAL);
    greet(stuck);
    greet(asker);
    send_request(stuck, 2, "room.subscribe");
    send_request(asker, 2, "count.loop");
    UNTIL(reader != NULL && n_calls == 1);
    for (int round = 1; round <= ROUNDS; round++) {
        if (!reader->missed) fill_pipe(server); /* while it is, the server looks again and again for room */
        send_request(asker, 2 + (uint64_t)round, "count.loop");
        await_news(server->socket.raw);
        rpc_send_flush(server);
        UNTIL(n_calls == 1 + round);
    }

    zmq_close(stuck);
    zmq_close(asker);
    zmq_ctx_term(context);
    rpc_server_destroy(&server);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_that_finds_no_room_hears_what_it_is_told),
        cmocka_unit_test(a_server_that_finds_no_room_for_one_peer_hears_another),
    };
    for (size_t i = 0; i < sizeof large; i++) large[i] = i % 2 == 0 ? '\xc3' : '\xa9';
    return cmocka_run_group_tests(tests, fixture_begin, fixture_end);
}
