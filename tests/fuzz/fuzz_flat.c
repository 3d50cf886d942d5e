/* fuzz_flat.c - any bytes as a flat conversation: what the door takes it takes afterwards, with the field; all else stays as it came. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/json.h"
#include "services/gateway/routes/query.h"
#include "tests/fuzz/fuzz.h"

static struct arena *arena;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str json = { (const char *)data, size }, raw;

    if (arena == NULL) arena = arena_create("fuzz", (size_t)1 << 28);
    struct str flat = flat_read(conversation_draft_shape(), "data", json, arena);
    if (json_check(json, JSON_DEPTH_MAX) == JSON_FINE && json.at != flat.at) {
        PROMISE(json_check(flat, JSON_DEPTH_MAX + 1) == JSON_FINE);
        PROMISE(json_find(flat, "data", &raw) && raw.at[0] == '{');
    } else {
        PROMISE(flat.at == json.at && flat.len == json.len);
    }
    arena_reset(arena);
    return 0;
}
