/* raw.h - sockets that speak ZeroMQ and CURVE and nothing above: for what a healthy peer will not do. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tests/unit/rpc/fixture.h"

USED_BY_SOME static void read_key(const char *file, const char *field, char out[41])
{
    char path[200], line[200];
    snprintf(path, sizeof(path), "%s/%s", fx.keys, file);
    FILE *key = fopen(path, "r");
    assert_non_null(key);
    while (fgets(line, sizeof(line), key) != NULL) {
        char *at = strstr(line, field);
        if (at != NULL) snprintf(out, 41, "%s", strchr(at, '"') + 1);
    }
    fclose(key);
}

USED_BY_SOME static void *open_raw(void *context)
{
    char key[41];
    void *raw = zmq_socket(context, ZMQ_DEALER);
    read_key("peers/store.key", "public-key", key);
    zmq_setsockopt(raw, ZMQ_CURVE_SERVERKEY, key, 40);
    read_key("gateway.key_secret", "public-key", key);
    zmq_setsockopt(raw, ZMQ_CURVE_PUBLICKEY, key, 40);
    read_key("gateway.key_secret", "secret-key", key);
    zmq_setsockopt(raw, ZMQ_CURVE_SECRETKEY, key, 40);
    assert_int_equal(zmq_connect(raw, fx.endpoint), 0);
    return raw;
}

USED_BY_SOME static void send_raw(void *raw, struct str head, const char *body)
{
    zmq_send(raw, head.at, head.len, ZMQ_SNDMORE);
    zmq_send(raw, body, strlen(body), 0);
}

/* In the place of the service `store`. */
USED_BY_SOME static void *bind_raw(void *context)
{
    char key[41];
    int yes = 1;
    void *raw = zmq_socket(context, ZMQ_ROUTER);
    read_key("store.key_secret", "secret-key", key);
    zmq_setsockopt(raw, ZMQ_CURVE_SERVER, &yes, sizeof(yes));
    zmq_setsockopt(raw, ZMQ_CURVE_SECRETKEY, key, 40);
    assert_int_equal(zmq_bind(raw, fx.endpoint), 0);
    return raw;
}

/* One frame, if there is one within the time; its length, or -1. */
USED_BY_SOME static int receive_frame(void *raw, int wait_ms, char *out, size_t size, bool *more)
{
    zmq_pollitem_t item = { raw, 0, ZMQ_POLLIN, 0 };
    if (zmq_poll(&item, 1, wait_ms) != 1) return -1;
    int len = zmq_recv(raw, out, size, ZMQ_DONTWAIT), flag = 0;
    size_t flag_size = sizeof(flag);
    zmq_getsockopt(raw, ZMQ_RCVMORE, &flag, &flag_size);
    *more = flag != 0;
    return len;
}
