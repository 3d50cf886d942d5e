/* frame.h - WebSocket frames as a client reads and writes them (RFC 6455, section 5). */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FRAME_TEXT = 1, FRAME_CLOSE = 8, FRAME_PING = 9, FRAME_PONG = 10 };

/* The longest head of a masked frame. */
enum { FRAME_HEAD_BYTES = 14 };

/* A server's frame, seen in the bytes that hold it. */
struct frame {
    int opcode;
    char *data;
    size_t len;
    size_t whole; /* head and data: where the next frame begins */
};

enum frame_found { FRAME_WHOLE, FRAME_PARTIAL, FRAME_BROKEN };

/* Look at the first frame of `at`. A fragment, a reserved bit or a mask counts as broken: none
 * of them was negotiated, and a server's frames are never masked. */
enum frame_found frame_read(char *at, size_t len, struct frame *out);

/* Write the head of a final, masked frame; answers how many bytes it took. */
size_t frame_head(unsigned char head[FRAME_HEAD_BYTES], int opcode, size_t len, uint32_t mask);

/* Mask data in place. */
void frame_mask(char *data, size_t len, uint32_t mask);
