/* test_multipart.c - forms come out the same however their bytes are cut, and what is no form is refused. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/buf.h"
#include "libshared/http/message/multipart.h"
#include "tests/unit/arena.h"

#define TYPE "multipart/form-data; boundary=AaB03x"

/* What a form says, as text: "[name|file]bytes", "." at its end, "!" where it is bad. */
static const char *told(struct str body, size_t piece)
{
    struct buf out = BUF(1 << 20);
    struct multipart m;

    assert_true(multipart_begin(&m, STR(TYPE), arena));
    while (body.len > 0) {
        struct str in = { body.at, body.len < piece ? body.len : piece }, bytes;
        body = str_skip(body, in.len);
        for (enum multipart_event event = MULTIPART_BYTES; event != MULTIPART_MORE && event != MULTIPART_BAD;) {
            event = multipart_next(&m, &in, &bytes);
            if (event == MULTIPART_PART)
                buf_printf(&out, "[%.*s|%.*s]", STR_ARG(m.name), STR_ARG(m.file));
            else if (event == MULTIPART_BYTES)
                buf_add_str(&out, bytes);
            else if (event == MULTIPART_END || event == MULTIPART_BAD)
                buf_add_char(&out, event == MULTIPART_END ? '.' : '!');
            if (event == MULTIPART_BAD) body = STR_NONE;
        }
    }
    assert_int_equal(multipart_is_over(&m), out.len > 0 && out.at[out.len - 1] == '.');
    buf_add_char(&out, '\0');
    const char *text = arena_copy(arena, out.at, out.len);
    buf_free(&out);
    return text;
}

static void says(const char *body, const char *wanted)
{
    for (size_t piece = 1; piece <= strlen(body); piece++) assert_string_equal(told(str_of(body), piece), wanted);
}

static void a_form_comes_out_the_same_however_it_is_cut(void **state)
{
    (void)state;
    says("--AaB03x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: "
         "text/plain\r\n\r\n"
         "one\r\ntwo\r\n--AaB03x--\r\n",
        "[file|a.txt]one\r\ntwo.");
    says("--AaB03x\r\ncontent-disposition:form-data;name=x\r\n\r\n\r\n--AaB03x\r\nContent-Disposition: form-data; "
         "name=y\r\n\r\nz"
         "\r\n--AaB03x--",
        "[x|][y|]z.");
}

static void what_only_looks_like_a_boundary_is_bytes(void **state)
{
    (void)state;
    says("--AaB03x\r\nContent-Disposition: form-data; "
         "name=f\r\n\r\n\r\r\n\r\n--AaB03\r\n-\r\n--AaB03X\r\n\r\n--AaB03x--",
        "[f|]\r\r\n\r\n--AaB03\r\n-\r\n--AaB03X\r\n.");
}

static void names_are_read_as_browsers_and_curl_write_them(void **state)
{
    (void)state;
    says("--AaB03x\r\nContent-Disposition: form-data; name=\"file\"; "
         "filename=\"a%22b%0D%0A;c\\\"d.txt\"\r\n\r\n\r\n--AaB03x--",
        "[file|a\"b\r\n;c\"d.txt].");
    says("--AaB03x\r\nContent-Disposition: form-data; name=file; filename=\"\303\274 "
         "\355\225\234.png\"\r\n\r\n\r\n--AaB03x--",
        "[file|\303\274 \355\225\234.png].");
}

static void what_is_no_form_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = { "x", "\r\n--AaB03x", "--AaB03xx\r\n", "--AaB03x\rx", "--AaB03x\r\n\r\n\r\n",
        "--AaB03x\r\nContent-Type: text/plain\r\n\r\n", "--AaB03x\r\nnonsense\r\n\r\n", "--AaB03x\r\n: x\r\n\r\n",
        "--AaB03x\r\nContent-Disposition: attachment; name=x\r\n\r\n",
        "--AaB03x\r\nContent-Disposition: form-data\r\n\r\n",
        "--AaB03x\r\nContent-Disposition: form-data; name=\"\xff\"\r\n\r\n",
        "--AaB03x\r\nContent-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b\r\n\r\n" };

    for (size_t i = 0; i < COUNT(bad); i++) says(bad[i], "!");
}

static void heads_and_parts_are_bounded(void **state)
{
    struct buf body = BUF(1 << 20);

    (void)state;
    buf_add_str(&body, STR("--AaB03x\r\nContent-Disposition: form-data; name=\""));
    for (int i = 0; i < MULTIPART_HEAD_MAX; i++) buf_add_char(&body, 'a');
    assert_string_equal(told(buf_str(&body), 1000), "!");
    buf_clear(&body);
    for (int i = 0; i <= MULTIPART_PARTS_MAX; i++)
        buf_add_str(&body, STR("--AaB03x\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n"));
    const char *text = told(buf_str(&body), 1000);
    assert_int_equal(strlen(text), 4 * MULTIPART_PARTS_MAX + 1);
    assert_int_equal(text[strlen(text) - 1], '!');
    buf_free(&body);
}

static void only_a_form_with_a_boundary_is_begun(void **state)
{
    (void)state;
    static const char *const none[] = { "", "multipart/form-data", "multipart/mixed; boundary=x",
        "multipart/form-data; boundary=\"\"", "multipart/form-data; boundary=\"a\r\nb\"",
        "multipart/form-data; boundary=12345678901234567890123456789012345678901234567890123456789012345678901" };
    struct multipart m;

    for (size_t i = 0; i < COUNT(none); i++) assert_false(multipart_begin(&m, str_of(none[i]), arena));
    assert_true(multipart_begin(&m, STR("Multipart/Form-Data; charset=utf-8; boundary=\"a b\""), arena));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_form_comes_out_the_same_however_it_is_cut),
        cmocka_unit_test(what_only_looks_like_a_boundary_is_bytes),
        cmocka_unit_test(names_are_read_as_browsers_and_curl_write_them),
        cmocka_unit_test(what_is_no_form_is_refused),
        cmocka_unit_test(heads_and_parts_are_bounded),
        cmocka_unit_test(only_a_form_with_a_boundary_is_begun),
    };
    return cmocka_run_group_tests_name("multipart", tests, make_arena, drop_arena);
}
