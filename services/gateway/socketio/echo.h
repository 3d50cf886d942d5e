/* echo.h - what the official protocol suites talk to: namespaces and sessions that give back what they get. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/socketio/sio.h"

/* `auth` with the handshake's auth on connect; `message` -> `message-back`; `message-with-ack` is acknowledged. */
struct sio_namespace echo_namespace(const char *name);
/* The same for a socket that another namespace has let in. */
void echo_welcome(struct sio_socket *socket, struct str auth);
void echo_event(void *arg, struct sio_socket *socket, const struct sio_event *event);
/* Plain Engine.IO: every message comes back, text and binary. */
struct eio_upper echo_upper(void);
