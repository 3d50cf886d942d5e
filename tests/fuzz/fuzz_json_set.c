/* fuzz_json_set.c - a member is set in whatever is an object: it is there once, and all other members as they were. */
// SPDX-License-Identifier: Apache-2.0
#include <jansson.h>
#include <string.h>

#include "libshared/wire/json.h"
#include "libshared/wire/json_set.h"
#include "tests/fuzz/fuzz.h"

static void agrees(const json_t *before, struct str text)
{
    json_t *after = json_loadb(text.at, text.len, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
    json_t *wanted = json_deep_copy(before);

    PROMISE(after != NULL);
    json_object_set_new(wanted, "sender", json_string("ada"));
    PROMISE(json_equal(after, wanted));
    json_decref(wanted);
    json_decref(after);
}

/* jansson takes a NUL between tokens for a blank, and nests deeper. */
static bool is_beyond_comparison(const char *text, size_t len)
{
    size_t opened = 0;

    for (size_t i = 0; i < len; i++) opened += text[i] == '[' || text[i] == '{';
    return opened > JSON_DEPTH_MAX || memchr(text, '\0', len) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *exact = malloc(size ? size : 1); /* so that a byte too far is seen */
    struct buf out = BUF(size * 6 + 100);

    memcpy(exact, data, size);
    bool taken = json_set_text((struct str){ exact, size }, "sender", STR("ada"), &out);
    json_t *object = json_loadb(exact, size, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, NULL);
    if (!is_beyond_comparison(exact, size) && json_is_object(object) && size > 0 && exact[0] == '{' &&
        exact[size - 1] == '}') {
        PROMISE(taken && !out.over);
        agrees(object, buf_str(&out));
    }
    json_decref(object);
    buf_free(&out);
    free(exact);
    return 0;
}
