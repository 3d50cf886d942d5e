/* msgpack_head.c - what each lead byte of msgpack says. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/msgpack_head.h"

/* clang-format off */
#define BARE(kind, n)     { kind, 0, n, 1 + ((kind) == MSGPACK_EXT) }
#define FOUR(kind, n)     BARE(kind, n), BARE(kind, n + 1), BARE(kind, n + 2), BARE(kind, n + 3)
#define SIXTEEN(kind, n)  FOUR(kind, n), FOUR(kind, n + 4), FOUR(kind, n + 8), FOUR(kind, n + 12)
#define LONG(kind, width) { kind, width, 0, 1 + (width) + ((kind) == MSGPACK_EXT) }

const struct msgpack_lead msgpack_leads[256] = {
    SIXTEEN(MSGPACK_INT, 0x00), SIXTEEN(MSGPACK_INT, 0x10), SIXTEEN(MSGPACK_INT, 0x20), SIXTEEN(MSGPACK_INT, 0x30),
    SIXTEEN(MSGPACK_INT, 0x40), SIXTEEN(MSGPACK_INT, 0x50), SIXTEEN(MSGPACK_INT, 0x60), SIXTEEN(MSGPACK_INT, 0x70),
    SIXTEEN(MSGPACK_MAP, 0), SIXTEEN(MSGPACK_ARRAY, 0), SIXTEEN(MSGPACK_TEXT, 0), SIXTEEN(MSGPACK_TEXT, 16),
    /* c0 */ BARE(MSGPACK_NIL, 0), { .len = 0 }, BARE(MSGPACK_BOOL, 0), BARE(MSGPACK_BOOL, 1),
    /* c4 */ LONG(MSGPACK_BIN, 1), LONG(MSGPACK_BIN, 2), LONG(MSGPACK_BIN, 4),
    /* c7 */ LONG(MSGPACK_EXT, 1), LONG(MSGPACK_EXT, 2), LONG(MSGPACK_EXT, 4),
    /* ca */ LONG(MSGPACK_REAL, 4), LONG(MSGPACK_REAL, 8),
    /* cc */ LONG(MSGPACK_UINT, 1), LONG(MSGPACK_UINT, 2), LONG(MSGPACK_UINT, 4), LONG(MSGPACK_UINT, 8),
    /* d0 */ LONG(MSGPACK_INT, 1), LONG(MSGPACK_INT, 2), LONG(MSGPACK_INT, 4), LONG(MSGPACK_INT, 8),
    /* d4 */ BARE(MSGPACK_EXT, 1), BARE(MSGPACK_EXT, 2), BARE(MSGPACK_EXT, 4), BARE(MSGPACK_EXT, 8), BARE(MSGPACK_EXT, 16),
    /* d9 */ LONG(MSGPACK_TEXT, 1), LONG(MSGPACK_TEXT, 2), LONG(MSGPACK_TEXT, 4),
    /* dc */ LONG(MSGPACK_ARRAY, 2), LONG(MSGPACK_ARRAY, 4), LONG(MSGPACK_MAP, 2), LONG(MSGPACK_MAP, 4),
    SIXTEEN(MSGPACK_INT, 0xe0), SIXTEEN(MSGPACK_INT, 0xf0),
};
/* clang-format on */
