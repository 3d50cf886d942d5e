/* test_frame.c - heads between processes: what one side writes the other side reads. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/log.h"
#include "libshared/wire/frame.h"
#include "tests/unit/arena.h"

static const struct frame_request asked = { .id = UINT64_MAX,
    .method = STR("message.append"),
    .budget_ms = 1500,
    .trace = STR("trace-1"),
    .who = { .sub = STR("alice"), .kind = STR("token"), .address = STR("127.0.0.1") } };

static void a_request_is_read_as_it_was_written(void **state)
{
    struct buf b = BUF(4096);
    struct frame_head head;

    (void)state;
    frame_put_request(&b, &asked);
    assert_int_equal(frame_read(buf_str(&b), arena, &head), OK);
    assert_int_equal(head.kind, FRAME_REQUEST);
    assert_true(head.request.id == UINT64_MAX && head.request.budget_ms == 1500);
    assert_true(str_is(head.request.method, "message.append") && str_is(head.request.trace, "trace-1"));
    assert_true(str_is(head.request.who.sub, "alice") && str_is(head.request.who.address, "127.0.0.1"));
    assert_null(head.request.who.key.at);
    buf_free(&b);
}

static void a_number_stands_in_the_place_of_who_asks(void **state)
{
    struct frame_request same = { .id = 1, .method = STR("message.append"), .trace = STR("t"), .same_who = 256 };
    struct buf b = BUF(4096);
    struct frame_head head;

    (void)state;
    frame_put_request(&b, &same);
    assert_int_equal(frame_read(buf_str(&b), arena, &head), OK);
    assert_true(head.request.same_who == 256 && head.request.who.sub.at == NULL);
    b.len -= 3;
    buf_add_char(&b, '\0');
    assert_int_equal(frame_read(buf_str(&b), arena, &head), ERR_MALFORMED);
    buf_free(&b);
}

static void replies_carry_every_status_as_its_code(void **state)
{
    (void)state;
    for (enum err e = OK; e < ERR_COUNT; e++) {
        struct buf b = BUF(4096);
        struct frame_head head;
        frame_put_reply(&b, &(struct frame_reply){ 7, e });
        assert_int_equal(frame_read(buf_str(&b), arena, &head), OK);
        assert_true(head.kind == FRAME_REPLY && head.reply.id == 7 && head.reply.status == e);
        buf_free(&b);
    }
}

static void an_event_is_read_as_it_was_written(void **state)
{
    struct frame_event told = { .stream = id_new(), .seq = 12, .name = STR("room.messages") };
    struct buf b = BUF(4096);
    struct frame_head head;

    (void)state;
    frame_put_event(&b, &told);
    assert_int_equal(frame_read(buf_str(&b), arena, &head), OK);
    assert_true(head.kind == FRAME_EVENT && head.event.seq == 12);
    assert_true(id_eq(head.event.stream, told.stream) && str_is(head.event.name, "room.messages"));
    buf_free(&b);
}

static void a_batch_is_read_as_it_was_written_and_not_beyond_a_cut(void **state)
{
    static const size_t sizes[] = { 0, 1, 255, 256, 65535, 65536 };
    static char text[65536];
    struct buf b = BUF(1 << 20), put = BUF(100);
    struct str rest, head, body;
    struct frame_head read;

    (void)state;
    frame_put_batch(&put, &(struct frame_batch){ 6 });
    assert_int_equal(frame_read(buf_str(&put), arena, &read), OK);
    assert_true(read.kind == FRAME_BATCH && read.batch.n == 6);
    for (size_t i = 0; i < COUNT(sizes); i++)
        frame_batch_add(&b, (struct str){ text, sizes[i] }, (struct str){ text, sizes[COUNT(sizes) - 1 - i] });
    rest = buf_str(&b);
    for (size_t i = 0; i < COUNT(sizes); i++) {
        assert_true(frame_batch_next(&rest, &head, &body));
        assert_true(head.len == sizes[i] && body.len == sizes[COUNT(sizes) - 1 - i]);
    }
    assert_int_equal(rest.len, 0);
    assert_false(frame_batch_next(&rest, &head, &body));

    buf_clear(&b);
    frame_batch_add(&b, (struct str){ text, 300 }, (struct str){ text, 3 });
    for (size_t n = 0; n < b.len; n++) {
        char *copy = mem_alloc(n);
        memcpy(copy, b.at, n);
        rest = (struct str){ copy, n };
        assert_false(frame_batch_next(&rest, &head, &body));
        mem_free(copy);
    }
    buf_free(&b);
    buf_free(&put);
}

static void a_head_cut_anywhere_is_malformed(void **state)
{
    struct buf b = BUF(4096);
    struct frame_head head;

    (void)state;
    frame_put_request(&b, &asked);
    for (size_t n = 0; n < b.len; n++) {
        char *copy = mem_alloc(n);
        memcpy(copy, b.at, n);
        assert_int_equal(frame_read((struct str){ copy, n }, arena, &head), ERR_MALFORMED);
        mem_free(copy);
    }
    buf_free(&b);
}

static void what_is_no_head_is_malformed(void **state)
{
    static const struct str bad[] = { { "\x90", 1 }, { "\x80", 1 }, { "\x91\x01", 2 }, { "\x93\x05\x01\xa2ok", 6 },
        { "\x93\x04\x01\xa2ok", 6 }, { "\x92\x04\xff", 3 }, { "\x93\x00\x01\xa2ok", 6 }, { "\x93\x02\xff\xa2ok", 6 },
        { "\x93\x02\x01\x02", 4 }, { "\x94\x02\x01\xa2ok\x01", 7 } };
    struct frame_head head;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) assert_int_equal(frame_read(bad[i], arena, &head), ERR_MALFORMED);
    assert_int_equal(frame_read((struct str){ "\x93\x02\x01\xa2ok", 6 }, arena, &head), OK);
}

static void a_principal_out_of_bounds_is_not_sent(void **state)
{
    struct frame_request request = asked;
    struct buf b = BUF(4096);
    char long_name[200];

    (void)state;
    memset(long_name, 'x', sizeof long_name);
    request.who.sub = (struct str){ long_name, sizeof long_name };
    frame_put_request(&b, &request);
    assert_true(b.over);
    buf_free(&b);
}

static void a_failure_says_code_sentence_and_field(void **state)
{
    struct wire_error why = { .retry_after_ms = 250 }, ignored;
    struct buf b = BUF(4096);
    struct failure failure;

    (void)state;
    wire_refuse(&why, ERR_INVALID_ARGUMENT, "room", "is %s", "missing");
    frame_put_failure(&b, ERR_INVALID_ARGUMENT, &why);
    assert_int_equal(wire_decode(failure_shape(), buf_str(&b), arena, &failure, &ignored), OK);
    assert_true(str_is(failure.code, "invalid_argument") && str_is(failure.message, "room: is missing"));
    assert_true(str_is(failure.field, "room") && failure.retry_after_ms == 250);
    buf_clear(&b);
    frame_put_failure(&b, ERR_OVERLOADED, NULL);
    assert_int_equal(wire_decode(failure_shape(), buf_str(&b), arena, &failure, &ignored), OK);
    assert_true(str_is(failure.message, err_text(ERR_OVERLOADED)) && failure.field.at == NULL);
    buf_free(&b);
}

/* A sentence may quote a text and be cut within one of its characters. */
static void a_failure_is_always_utf8(void **state)
{
    struct wire_error why = { .retry_after_ms = 0 }, ignored;
    struct buf b = BUF(4096);
    struct failure failure;
    char text[400];

    (void)state;
    for (size_t i = 0; i + 1 < sizeof text; i++) text[i] = i % 2 == 0 ? '\xC3' : '\xA9';
    text[sizeof text - 1] = '\0';
    wire_refuse(&why, ERR_NOT_FOUND, NULL, "%s", text);
    frame_put_failure(&b, ERR_NOT_FOUND, &why);
    assert_int_equal(wire_decode(failure_shape(), buf_str(&b), arena, &failure, &ignored), OK);
    buf_free(&b);
}

int main(void)
{
    log_init("test", LOG_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_read_as_it_was_written),
        cmocka_unit_test(a_number_stands_in_the_place_of_who_asks),
        cmocka_unit_test(replies_carry_every_status_as_its_code),
        cmocka_unit_test(an_event_is_read_as_it_was_written),
        cmocka_unit_test(a_batch_is_read_as_it_was_written_and_not_beyond_a_cut),
        cmocka_unit_test(a_head_cut_anywhere_is_malformed),
        cmocka_unit_test(what_is_no_head_is_malformed),
        cmocka_unit_test(a_principal_out_of_bounds_is_not_sent),
        cmocka_unit_test(a_failure_says_code_sentence_and_field),
        cmocka_unit_test(a_failure_is_always_utf8),
    };
    return cmocka_run_group_tests_name("frame", tests, make_arena, drop_arena);
}
