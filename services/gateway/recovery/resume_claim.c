/* resume_claim.c - what a client says about who it was. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/recovery/resume_claim.h"

#include "libshared/base/secret.h"
#include "libshared/wire/json.h"
#include "services/gateway/rooms/offset.h"

/* Neither needs an escape. */
static struct str text_at(struct str auth, const char *name, size_t min, size_t max, struct arena *arena)
{
    struct str raw, text;

    if (!json_find(auth, name, &raw) || !json_plain_text(raw, &text) || text.len < min || text.len > max)
        return STR_NONE;
    return arena_str(arena, text);
}

struct resume_claim resume_claim_read(struct str auth, struct arena *arena)
{
    struct resume_claim claims = { .pid = text_at(auth, "pid", RESUME_PID_CHARS, RESUME_PID_CHARS, arena),
        .offset = text_at(auth, "offset", 1, OFFSET_BYTES_MAX, arena) };

    if (!secret_is_text(claims.pid, RESUME_PID_CHARS)) claims.pid = STR_NONE;
    return claims;
}
