/* identity.c - what a client says about who it was. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/recovery/identity.h"

#include <jansson.h>

#include "libshared/base/secret.h"
#include "services/gateway/rooms/offset.h"

static struct str text_at(const json_t *json, const char *name, size_t min, size_t max, struct arena *arena)
{
    const json_t *text = json_object_get(json, name);
    size_t len = json_string_length(text);

    if (!json_is_string(text) || len < min || len > max) return STR_NONE;
    return arena_str(arena, (struct str){ json_string_value(text), len });
}

struct identity identity_read(struct str auth, struct arena *arena)
{
    json_t *json = auth.len > 0 ? json_loadb(auth.at, auth.len, 0, NULL) : NULL;
    struct identity claims = { .pid = text_at(json, "pid", IDENTITY_PID_CHARS, IDENTITY_PID_CHARS, arena),
        .offset = text_at(json, "offset", 1, OFFSET_BYTES_MAX, arena) };

    json_decref(json);
    if (!secret_is_text(claims.pid, IDENTITY_PID_CHARS)) claims.pid = STR_NONE;
    return claims;
}
