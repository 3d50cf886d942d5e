/*
 * codec.h - how a client's parser writes Socket.IO packets.
 *
 *      text     4 2["name",args...]  and a binary message for each attachment      (socket.io-parser)
 *      msgpack  one binary message, a map                                          (socket.io-msgpack-parser)
 *
 * Inside the gateway packets are text and attachments: that is what the text codec passes on untouched.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/engineio/eio.h"

struct sio_session;

struct sio_codec {
    /* A message came.  What is no packet ends the session. */
    void (*message)(struct sio_session *session, bool binary, struct str bytes);
    /* A packet of ours and its attachments go out, nothing between them. */
    void (*send)(struct eio_session *eio, struct eio_packet *const *packets, unsigned n);
};

extern const struct sio_codec sio_text_codec, sio_msgpack_codec;
