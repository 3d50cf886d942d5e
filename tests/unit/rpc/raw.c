/* raw.c - see raw.h. */
// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/rpc/raw.h"

static void read_key(const char *file, const char *field, char out[41])
{
    char path[200], line[200];
    snprintf(path, sizeof path, "%s/%s", fx.keys, file);
    FILE *key = fopen(path, "r");
    assert_non_null(key);
    while (fgets(line, sizeof line, key) != NULL) {
        char *at = strstr(line, field);
        if (at != NULL) snprintf(out, 41, "%s", strchr(at, '"') + 1);
    }
    fclose(key);
}

void *open_raw(void *context, int unread_max)
{
    char key[41];
    int none = 0;
    void *raw = zmq_socket(context, ZMQ_DEALER);
    read_key("peers/store.key", "public-key", key);
    zmq_setsockopt(raw, ZMQ_CURVE_SERVERKEY, key, 40);
    read_key("gateway.key_secret", "public-key", key);
    zmq_setsockopt(raw, ZMQ_CURVE_PUBLICKEY, key, 40);
    read_key("gateway.key_secret", "secret-key", key);
    zmq_setsockopt(raw, ZMQ_CURVE_SECRETKEY, key, 40);
    zmq_setsockopt(raw, ZMQ_LINGER, &none, sizeof none);
    zmq_setsockopt(raw, ZMQ_RCVHWM, &unread_max, sizeof unread_max);
    assert_int_equal(zmq_connect(raw, fx.endpoint), 0);
    return raw;
}

void send_raw(void *raw, struct str head, const char *body)
{
    zmq_send(raw, head.at, head.len, ZMQ_SNDMORE);
    zmq_send(raw, body, strlen(body), 0);
}

/* In the place of the service `store`. */
static void *bind_raw(void *context, int unread_max)
{
    char key[41];
    int yes = 1, none = 0;
    void *raw = zmq_socket(context, ZMQ_ROUTER);
    read_key("store.key_secret", "secret-key", key);
    zmq_setsockopt(raw, ZMQ_CURVE_SERVER, &yes, sizeof yes);
    zmq_setsockopt(raw, ZMQ_CURVE_SECRETKEY, key, 40);
    zmq_setsockopt(raw, ZMQ_RCVHWM, &unread_max, sizeof unread_max);
    zmq_setsockopt(raw, ZMQ_LINGER, &none, sizeof none);
    assert_int_equal(zmq_bind(raw, fx.endpoint), 0);
    return raw;
}

int receive_frame(void *raw, int wait_ms, char *out, size_t size, bool *more)
{
    zmq_pollitem_t item = { raw, 0, ZMQ_POLLIN, 0 };
    if (zmq_poll(&item, 1, wait_ms) != 1) return -1;
    int len = zmq_recv(raw, out, size, ZMQ_DONTWAIT), flag = 0;
    size_t flag_size = sizeof flag;
    zmq_getsockopt(raw, ZMQ_RCVMORE, &flag, &flag_size);
    *more = flag != 0;
    return len;
}

struct script script;

/* --- a server as a script: what a client sends, and when --- */

/* One message to the server, as its head and body; false: none came. */
static bool serve_any(int wait_ms, struct frame_head *head, struct str *body)
{
    static char head_bytes[4000];
    bool more;
    if (receive_frame(script.raw, wait_ms, script.id, sizeof script.id, &more) != 5) return false;
    int len = receive_frame(script.raw, 1000, head_bytes, sizeof head_bytes, &more);
    assert_true(len > 0 && more);
    assert_int_equal(frame_read((struct str){ head_bytes, (size_t)len }, script.arena, head), OK);
    len = receive_frame(script.raw, 1000, script.bytes, sizeof script.bytes, &more);
    assert_true(len >= 0 && !more);
    *body = (struct str){ script.bytes, (size_t)len };
    return true;
}

bool serve_one(int wait_ms, struct frame_head *head, struct str *body)
{
    bool any = serve_any(wait_ms, head, body);

    while (any && head->kind == FRAME_REQUEST && str_is(head->request.method, "ping"))
        any = serve_any(wait_ms, head, body);
    return any;
}

void answer_hello(uint64_t id, bool batches)
{
    struct buf head = BUF(100), body = BUF(1000);
    struct hello hello = { STR("store"), id_new(), .batches = batches };
    frame_put_reply(&head, &(struct frame_reply){ id, OK });
    assert_int_equal(wire_encode(hello_shape(), &hello, &body), OK);
    zmq_send(script.raw, script.id, 5, ZMQ_SNDMORE);
    zmq_send(script.raw, head.at, head.len, ZMQ_SNDMORE);
    zmq_send(script.raw, body.at, body.len, 0);
    buf_free(&head);
    buf_free(&body);
}

void open_script(struct probe *probe, bool batches, int unread_max)
{
    struct frame_head head;
    struct str body;
    bool greeted = false;
    script.context = zmq_ctx_new();
    script.raw = bind_raw(script.context, unread_max);
    script.arena = arena_create("script", 1u << 20);
    probe_open(probe, "gateway", UNREAD_USUAL);
    UNTIL(greeted || (greeted = serve_one(0, &head, &body)));
    assert_true(str_is(head.request.method, "hello"));
    answer_hello(head.request.id, batches);
    UNTIL(probe->ups == 1);
}

void close_script(struct probe *probe)
{
    rpc_client_destroy(&probe->client);
    zmq_close(script.raw);
    zmq_ctx_term(script.context);
    arena_destroy(&script.arena);
}
