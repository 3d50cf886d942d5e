/* test_content_type.c - what a file is by its first bytes. */
// SPDX-License-Identifier: Apache-2.0
#include "services/share/media/content_type.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "libshared/base/arena.h"

#define BYTES(text) ((struct str){ text, sizeof(text) - 1 })

static void content_says_what_it_is(void **state)
{
    static const struct {
        struct str head;
        const char *type;
        bool shown;
    } cases[] = {
        { BYTES("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), "image/png", true },
        { BYTES("\xff\xd8\xff\xe0\0\x10JFIF"), "image/jpeg", true },
        { BYTES("GIF89a\1\0\1\0"), "image/gif", true },
        { BYTES("RIFF\4\0\0\0WEBPVP8 "), "image/webp", true },
        { BYTES("RIFF\4\0\0\0WAVEfmt "), "audio/wav", true },
        { BYTES("\0\0\0\x20"
                "ftypavif"),
            "image/avif", true },
        { BYTES("\0\0\0\x20"
                "ftypM4A "),
            "audio/mp4", true },
        { BYTES("\0\0\0\x20"
                "ftypisom"),
            "video/mp4", true },
        { BYTES("II*\0\x08"), "image/tiff", false },
        { BYTES("%PDF-1.7\n"), "application/pdf", false },
        { BYTES("PK\3\4\x14"), "application/zip", false },
        { BYTES("a text"), "text/plain; charset=utf-8", false },
        { BYTES("\xed\x95\x9c\xea\xb8\x80\n"), "text/plain; charset=utf-8", false },
        { BYTES("<html><script>alert(1)</script>"), "text/plain; charset=utf-8", false },
        { BYTES("<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>"), "text/plain; charset=utf-8",
            false },
        { BYTES("<?xml version=\"1.0\"?><x/>"), "text/plain; charset=utf-8", false },
        { BYTES("<vg ftypisom"), "text/plain; charset=utf-8", false },
        { BYTES("\xef\xbb\xbf<html>"), "text/plain; charset=utf-8", false },
        { BYTES("\xff\xfe<\0h\0t\0m\0l\0>\0"), "application/octet-stream", false },
        { BYTES("a\0b"), "application/octet-stream", false },
        { BYTES("a\x1b[2J"), "application/octet-stream", false },
        { BYTES("\xed\x95"), "application/octet-stream", false },
        { BYTES("RIFF"), "text/plain; charset=utf-8", false },
        { BYTES("GIF89"), "text/plain; charset=utf-8", false },
        { BYTES(""), "application/octet-stream", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct content_type *type = content_type_of(cases[i].head);
        assert_string_equal(type->name, cases[i].type);
        assert_int_equal(type->shown, cases[i].shown);
        assert_int_equal(content_type_is_shown(str_of(type->name)), cases[i].shown);
    }
    assert_false(content_type_is_shown(STR("text/html")));
}

/* A character of several bytes may be cut by the end of what is looked at, and nowhere else. */
static void a_text_may_be_cut_within_a_character(void **state)
{
    static const char *const of_three[] = { "", "\xed", "\xed\x95", "\xed\x95\x9c" };
    char head[CONTENT_HEAD_BYTES];

    (void)state;
    for (size_t i = 0; i < COUNT(of_three); i++) {
        size_t n = strlen(of_three[i]);
        memset(head, 'a', sizeof head);
        memcpy(head + sizeof head - n, of_three[i], n);
        assert_int_equal(content_type_of((struct str){ head, sizeof head })->kind, CONTENT_TEXT);
    }
    head[100] = (char)0xed;
    assert_int_equal(content_type_of((struct str){ head, sizeof head })->kind, CONTENT_OTHER);
}

static void kinds_are_read_by_name(void **state)
{
    (void)state;
    assert_int_equal(content_kinds_read(STR("image")), 1u << CONTENT_IMAGE);
    assert_int_equal(content_kinds_read(STR("image, other")), 1u << CONTENT_IMAGE | 1u << CONTENT_OTHER);
    for (unsigned i = 0; i < CONTENT_KINDS; i++)
        assert_int_equal(content_kinds_read(str_of(content_kind_name((enum content_kind)i))), 1u << i);
    assert_int_equal(content_kinds_read(STR("image,pictures")), 0);
    assert_int_equal(content_kinds_read(STR("image,,other")), 0);
    assert_int_equal(content_kinds_read(STR("")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(content_says_what_it_is),
        cmocka_unit_test(a_text_may_be_cut_within_a_character),
        cmocka_unit_test(kinds_are_read_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
