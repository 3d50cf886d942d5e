/* test_http_head.c - heads, bodies and compression: what is read, and what is refused with which status. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <string.h>
#include <zlib.h>

#include "libshared/http/message/gzip.h"
#include "libshared/http/message/http_body.h"
#include "libshared/http/message/http_head.h"

static char text[32768];
static struct http_head head;

static int parse(const char *request)
{
    size_t len = strlen(request);
    memcpy(text, request, len + 1);
    return http_head_parse(text, len, &head);
}

static void a_request_is_taken_apart(void **state)
{
    (void)state;
    assert_int_equal(parse("POST /a/b?x=1&y HTTP/1.1\r\nHost: h\r\nX-A:  one \t\r\nContent-Length: 5\r\n\r\n"), 0);
    assert_true(str_is(head.method, "POST"));
    assert_true(str_is(head.path, "/a/b"));
    assert_true(str_is(head.query, "x=1&y"));
    assert_true(str_is(http_head_field(&head, "x-a"), "one"));
    assert_null(http_head_field(&head, "x-b").at);
    assert_int_equal(head.content_length, 5);
    assert_int_equal(head.minor, 1);
    assert_false(head.chunked);
    assert_int_equal(parse("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n"), 0);
    assert_false(head.expects_continue); /* HTTP/1.0 knows no interim answer */
}

static void an_absolute_target_means_its_path(void **state)
{
    (void)state;
    assert_int_equal(parse("GET http://h:80/p?q HTTP/1.1\r\nHost: h\r\n\r\n"), 0);
    assert_true(str_is(head.path, "/p"));
    assert_int_equal(parse("GET https://h HTTP/1.1\r\nHost: h\r\n\r\n"), 0);
    assert_true(str_is(head.path, "/"));
    assert_int_equal(parse("GET http://h?q=/auth/token HTTP/1.1\r\nHost: h\r\n\r\n"), 0);
    assert_true(str_is(head.path, "/"));
    assert_true(str_is(head.query, "q=/auth/token"));
}

static void the_end_of_a_head_is_found_however_it_comes(void **state)
{
    const char *whole = "GET / HTTP/1.1\r\nHost: h\r\n\r\nrest";
    size_t end = strlen(whole) - 4;
    (void)state;
    for (size_t seen = 0; seen < end; seen++) {
        assert_int_equal(http_head_end(whole, seen, 0), 0);
        assert_int_equal(http_head_end(whole, end, seen), end);
    }
}

static void what_could_be_read_in_two_ways_is_refused(void **state)
{
    static const struct {
        const char *request;
        int status;
    } table[] = {
        { "GET / HTTP/1.1\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer x\r\nauthorization: Bearer y\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nCookie: a=b\r\nX: y\r\nCookie: a=c\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nOrigin: https://a\r\nOrigin: https://b\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nSec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Type: application/json\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nAccept: a/b\r\nAccept: c/d\r\nX-Forwarded-For: 1\r\nX-Forwarded-For: 2\r\n\r\n",
            0 },
        { "GET / HTTP/1.1\nHost: a\n\r\n\r\n", 400 },
        { "GET /\r\nHost: a\r\n\r\n", 400 },
        { "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "GET x HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "GET ?x HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "get / HTTP/1.1\r\nHost: a\r\n\r\n", 400 }, /* as it is when it comes in pieces */
        { "G-T / HTTP/1.1\r\nHost: a\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nX: a\rY: b\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nX: a\nY: b\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity\r\n\r\n", 501 },
        { "GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505 },
        { "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", 400 },
        { "GET / HTTP/1.1\r\nHost: a\r\nX: a\x01\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501 },
        { "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
        { "POST / HTTP/1.1\r\nHost: a\r\nExpect: magic\r\n\r\n", 417 },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++) {
        int status = parse(table[i].request);
        if (status != table[i].status) fail_msg("%d, not %d, for %s", status, table[i].status, table[i].request);
    }
}

static void too_many_headers_are_431_and_a_long_target_is_414(void **state)
{
    struct buf request = BUF(sizeof text);
    (void)state;
    buf_printf(&request, "GET / HTTP/1.1\r\nHost: h\r\n");
    for (int i = 0; i < HTTP_FIELDS_MAX; i++) buf_printf(&request, "x%d: y\r\n", i);
    buf_printf(&request, "\r\n%c", 0);
    assert_int_equal(parse(request.at), 431);
    buf_clear(&request);
    buf_printf(&request, "GET /%0*d HTTP/1.1\r\nHost: h\r\n\r\n%c", HTTP_TARGET_MAX, 0, 0);
    assert_int_equal(parse(request.at), 414);
    buf_free(&request);
}

static void connection_is_a_list_of_words(void **state)
{
    (void)state;
    assert_true(http_list_has(STR("keep-alive, UPGRADE"), "upgrade"));
    assert_true(http_list_has(STR("upgrade"), "upgrade"));
    assert_false(http_list_has(STR("upgrade-later"), "upgrade"));
    assert_false(http_list_has(STR_NONE, "upgrade"));
    assert_int_equal(parse("GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive\r\nConnection: Upgrade\r\n"
                           "Upgrade: h2c\r\nUpgrade: WebSocket\r\n\r\n"),
        0);
    assert_true(head.keep_alive && head.upgrade && head.websocket);
    assert_int_equal(parse("GET / HTTP/1.1\r\nHost: h\r\n\r\n"), 0);
    assert_false(head.keep_alive || head.upgrade || head.websocket);
}

/* --- bodies --- */

static int take(struct http_body *body, const char *bytes, struct buf *out)
{
    struct str in = str_of(bytes), piece;
    int refused;
    while ((refused = http_body_next(body, &in, &piece)) == 0 && piece.len > 0) buf_add_str(out, piece);
    return refused;
}

static void chunks_are_joined(void **state)
{
    struct http_body body;
    struct buf out = BUF(100);
    (void)state;
    http_body_begin(&body, true, -1);
    assert_int_equal(take(&body, "3\r\nabc\r\nA;x=\"y\"\r\n0123", &out), 0);
    assert_false(http_body_is_done(&body));
    assert_int_equal(take(&body, "456789\r\n0\r\nTrailer: x\r\n\r\nnext", &out), 0);
    assert_true(http_body_is_done(&body));
    assert_true(str_is(buf_str(&out), "abc0123456789"));
    buf_free(&out);
}

static void bad_chunks_are_refused(void **state)
{
    static const char *const bad[] = { "\r\n", "x\r\n", "3\nabc", "3\r\nabcd", "3\r\nabc\n", "-1\r\n", ";\r\n",
        "0\r\n\n", "3 4\r\nabc", "3 \r\nabc", "3;x\ny\r\n", "0\r\na\rb\r\n" };
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct http_body body;
        struct buf out = BUF(100);
        http_body_begin(&body, true, -1);
        if (take(&body, bad[i], &out) != 400) fail_msg("taken: %s", bad[i]);
        buf_free(&out);
    }
}

static void a_chunk_beyond_any_length_is_413(void **state)
{
    struct http_body body;
    struct buf out = BUF(4);
    (void)state;
    http_body_begin(&body, true, -1);
    assert_int_equal(take(&body, "ffffffffffffffff", &out), 413);
    buf_free(&out);
}

static int take_again(struct http_body *body, const char *bytes, int times, struct buf *out)
{
    int refused = 0;
    for (int i = 0; i < times && !refused; i++) refused = take(body, bytes, out);
    return refused;
}

static void a_large_body_may_come_in_small_chunks(void **state)
{
    static const char *const chunks[] = { "1\r\nx\r\n", "001\r\nx\r\n", "10\r\n0123456789abcdef\r\n" };
    (void)state;
    for (size_t i = 0; i < COUNT(chunks); i++) {
        struct http_body body;
        struct buf out = BUF(4000000);
        http_body_begin(&body, true, -1);
        assert_int_equal(take_again(&body, chunks[i], 200000, &out), 0);
        assert_int_equal(take(&body, "0\r\n\r\n", &out), 0);
        assert_true(http_body_is_done(&body));
        assert_int_equal(out.len % 200000, 0);
        buf_free(&out);
    }
}

static void what_is_not_body_is_bounded_by_what_is(void **state)
{
    static const char *const more[] = { "1;an=extension\r\nx\r\n", "00000000001\r\nx\r\n" };
    struct http_body body;
    struct buf out = BUF(4000000);
    (void)state;
    for (size_t i = 0; i < COUNT(more); i++) {
        http_body_begin(&body, true, -1);
        assert_int_equal(take_again(&body, more[i], 200000, &out), 413);
    }
    http_body_begin(&body, true, -1);
    assert_int_equal(take(&body, "0\r\n", &out), 0);
    assert_int_equal(take_again(&body, "Trailer: x\r\n", 65500 / 12, &out), 0);
    assert_int_equal(take_again(&body, "Trailer: x\r\n", 10, &out), 413);
    buf_free(&out);
}

/* --- compression --- */

static void gzip_is_used_only_where_it_is_wanted(void **state)
{
    static const struct {
        const char *accept;
        bool wanted;
    } table[] = {
        { "gzip", true },
        { "deflate, gzip;q=1.0", true },
        { "GZIP", true },
        { "*", true },
        { "br", false },
        { "gzip;q=0", false },
        { "gzip; q=0.000", false },
        { "", false },
        { "gzipped", false },
        { "*;q=0", false },
        { "gzip, *;q=0", true },
        { "*, gzip;q=0", false },
        { "gzip;q=0, *", false },
        { "gzip;q=0.001", true },
        { "identity, gzip;q=0.5", false },
        { "identity;q=0.5, gzip;q=0.5", true },
        { "gzip;q=0.5, *", false },
        { "identity;q=0, gzip", true },
        { "gzip;q=2", false },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(table); i++)
        if ((coding_weight(str_of(table[i].accept), "gzip") > 0) != table[i].wanted) fail_msg("%s", table[i].accept);
    assert_int_equal(coding_weight(STR("br;q=0.1, gzip;q=0.85"), "gzip"), 850);
    assert_false(gzip_is_worth_it("text/plain", 1023, NULL, 0));
    assert_true(gzip_is_worth_it("text/plain; charset=UTF-8", 1024, NULL, 0));
    assert_false(gzip_is_worth_it("image/webp", 4096, NULL, 0));
    struct http_header_out packed = { "content-encoding", STR("br") };
    assert_false(gzip_is_worth_it("text/html", 4096, &packed, 1));
}

static void gzip_gives_back_what_was_packed(void **state)
{
    char body[5000], again[5000];
    struct buf out = BUF(sizeof body);
    (void)state;
    for (size_t i = 0; i < sizeof body; i++) body[i] = "madang "[i % 7];
    assert_true(gzip_pack((struct str){ body, sizeof body }, &out));
    assert_true(out.len < 200);
    z_stream z = {
        .next_in = (Bytef *)out.at, .avail_in = (uInt)out.len, .next_out = (Bytef *)again, .avail_out = sizeof again
    };
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
    inflateEnd(&z);
    assert_memory_equal(again, body, sizeof body);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_taken_apart),
        cmocka_unit_test(an_absolute_target_means_its_path),
        cmocka_unit_test(the_end_of_a_head_is_found_however_it_comes),
        cmocka_unit_test(what_could_be_read_in_two_ways_is_refused),
        cmocka_unit_test(too_many_headers_are_431_and_a_long_target_is_414),
        cmocka_unit_test(connection_is_a_list_of_words),
        cmocka_unit_test(chunks_are_joined),
        cmocka_unit_test(bad_chunks_are_refused),
        cmocka_unit_test(a_chunk_beyond_any_length_is_413),
        cmocka_unit_test(a_large_body_may_come_in_small_chunks),
        cmocka_unit_test(what_is_not_body_is_bounded_by_what_is),
        cmocka_unit_test(gzip_is_used_only_where_it_is_wanted),
        cmocka_unit_test(gzip_gives_back_what_was_packed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
