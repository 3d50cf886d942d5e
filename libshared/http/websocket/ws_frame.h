/*
 * ws_frame.h - reading a client's WebSocket frames (RFC 6455 5), and the header of ours.
 *
 * The reader takes bytes as they come and says what they were, one piece at a time; payloads are unmasked in place.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

enum ws_opcode { WS_CONTINUATION = 0, WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

struct ws_frame_reader {
    unsigned char header[14];
    uint8_t have, need; /* of the header */
    bool in_payload, fin, compressed, masked_zero;
    uint8_t opcode, message; /* of this frame, and of the message that it belongs to (0: none is open) */
    uint8_t mask_at;
    uint32_t utf8; /* where in a character the message stands */
    uint64_t left; /* of this frame's payload */
    unsigned char control[125];
    uint8_t control_len;
};

enum ws_piece_kind {
    WS_PIECE_MORE,    /* nothing whole: all bytes are used up */
    WS_PIECE_DATA,    /* a piece of a message, perhaps its last one */
    WS_PIECE_CONTROL, /* a whole ping, pong or close */
    WS_PIECE_BAD,     /* close with `code` */
};

struct ws_piece {
    enum ws_piece_kind kind;
    uint8_t opcode; /* of the message (text or binary), or of the control frame */
    bool first, last, compressed;
    bool whole; /* its frame ends with it */
    struct str bytes;
    int code;
    const char *why;
};

/* `allow_compressed`: the first reserved bit may mark a message.  `so_far`: bytes of the open message that were given
 * out before; with this frame's claim it may not exceed `max`. */
struct ws_piece ws_frame_read(
    struct ws_frame_reader *reader, char **at, size_t *len, bool allow_compressed, size_t so_far, size_t max);
/* Steps over text; false: no UTF-8.  state starts as 0, and is 0 again between characters. */
bool ws_utf8(uint32_t *state, const char *at, size_t len);
/* May a peer say this close code? */
bool ws_close_code_is_valid(int code);
