/* ws_private.h - a WebSocket on a connection. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/http/conn_private.h"
#include "libshared/http/websocket/ws_frame.h"

/* Pongs that may wait for one peer. */
#define CONTROL_BYTES 32768

struct ws {
    struct conn *conn;
    const struct ws_handler *handler; /* of the mount, and its argument */
    void *arg;
    void *user;
    struct ws_frame_reader reader;
    size_t message_max;
    struct buf message; /* fragments, or a frame that came in pieces */
    struct buf control; /* pongs and the Close frame that wait to be written */
    bool deflate;       /* permessage-deflate was agreed */
    bool close_sent, close_received, wants, told;
};

/* The connection's protocol from here on. */
struct ws *ws_begin(struct conn *conn, const struct ws_handler *handler, void *arg, bool deflate);
