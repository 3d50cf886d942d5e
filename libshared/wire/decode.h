/* decode.h - a record among other values. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/msgpack_in.h"
#include "libshared/wire/wire.h"

/* As wire_decode, of the value that the cursor stands before; ERR_MALFORMED, too, where the bytes end within it. */
enum err wire_decode_next(const struct wire_shape *shape, struct msgpack_in *in, struct arena *arena, void *out,
    struct wire_error *why) MUST_CHECK;
