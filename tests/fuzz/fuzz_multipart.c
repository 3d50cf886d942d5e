/* fuzz_multipart.c - whatever is sent as a form: however its bytes are cut, the same parts come out, and none is outside
 * of what was sent.  The first line is Content-Type, the rest the body; the media types' and ranges' readers have both. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/base/buf.h"
#include "libshared/http/message/http_range.h"
#include "libshared/http/message/media_type.h"
#include "libshared/http/message/multipart.h"
#include "tests/fuzz/fuzz.h"

#define MAX_BYTES 65536

/* What is told of a form, as text; bytes that follow each other are one. */
static bool tell(struct str type, struct str body, size_t piece, struct buf *out)
{
    /* bound: heads of at most 16 parts, a few times over */
    struct arena *arena = arena_create("fuzz", 1u << 20);
    struct multipart form;
    enum multipart_event event = MULTIPART_MORE;
    struct str bytes;
    size_t parts = 0, told = 0;

    bool begun = multipart_begin(&form, type, arena);
    while (begun && body.len > 0 && event != MULTIPART_BAD) {
        struct str in = { body.at, body.len < piece ? body.len : piece };
        body = str_skip(body, in.len);
        while ((event = multipart_next(&form, &in, &bytes)) != MULTIPART_MORE && event != MULTIPART_BAD) {
            if (event == MULTIPART_PART) {
                PROMISE(++parts <= MULTIPART_PARTS_MAX && form.name.at != NULL);
                PROMISE(utf8_is_valid(form.name.at, form.name.len) && utf8_is_valid(form.file.at, form.file.len));
                buf_printf(out, "\n[%.*s|%d%.*s]", STR_ARG(form.name), form.file.at != NULL, STR_ARG(form.file));
            }
            if (event == MULTIPART_BYTES) {
                PROMISE(bytes.len > 0 && parts > 0);
                told += bytes.len;
                buf_add_str(out, bytes);
            }
            if (event == MULTIPART_END) PROMISE(multipart_is_over(&form));
        }
        PROMISE(event == MULTIPART_BAD || in.len == 0);
    }
    PROMISE(told <= MAX_BYTES);
    buf_printf(out, "\n%d %d", event == MULTIPART_BAD, begun && multipart_is_over(&form));
    arena_destroy(&arena);
    return begun;
}

static void types_are_read_within_their_bounds(struct str text)
{
    int64_t at, end;

    (void)media_type_is(text, "application/json");
    (void)media_type_accepted(text, "application/json");
    PROMISE(!http_tag_is_same(text, STR("\"a\"")) || http_tag_matches(text, STR("\"a\"")));
    if (http_range_read(text, 1000, &at, &end) == RANGE_PART) PROMISE(at >= 0 && at < end && end <= 1000);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > MAX_BYTES) return 0;
    char *exact = malloc(size ? size : 1); /* so that a byte too far is seen */
    memcpy(exact, data, size);
    struct str body = { exact, size }, type = str_cut(&body, '\n');
    struct buf whole = BUF(8u << 20), cut = BUF(8u << 20);

    types_are_read_within_their_bounds(type);
    if (body.at != NULL) types_are_read_within_their_bounds(body);
    if (tell(type, body, size + 1, &whole)) {
        for (size_t piece = 1; piece < 90; piece = piece * 3 + 1) {
            buf_clear(&cut);
            tell(type, body, piece, &cut);
            PROMISE(str_eq(buf_str(&whole), buf_str(&cut)));
        }
    }
    buf_free(&whole);
    buf_free(&cut);
    free(exact);
    return 0;
}
