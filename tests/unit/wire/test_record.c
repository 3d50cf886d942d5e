/* test_record.c - a record between struct and bytes: views, absence, and what encode refuses. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/log.h"
#include "tests/contract/nested.h"
#include "tests/unit/arena.h"

static struct wire_error why;

static struct message sample(void)
{
    return (struct message){
        .room = id_new(), .seq = 1, .id = STR("id"), .sender = STR("alice"), .body = STR("hello"), .at = 5
    };
}

static void texts_are_views_into_the_bytes(void **state)
{
    struct message out, m = sample();
    struct buf b = BUF(4096);

    (void)state;
    m.meta = (struct str){ "\x92\x01\xc0", 3 };
    assert_int_equal(wire_encode(message_shape(), &m, &b), OK);
    assert_int_equal(wire_decode(message_shape(), buf_str(&b), arena, &out, &why), OK);
    assert_true(out.body.at > b.at && out.body.at + out.body.len < b.at + b.len);
    assert_true(out.meta.at > b.at && str_eq(out.meta, m.meta));
    assert_int_equal(arena_used(arena), 0);
    buf_free(&b);
}

static void absent_optionals_are_zero_and_defaults_are_set(void **state)
{
    struct message_query out;
    struct message_page page = { .head = 3 }, back;
    struct buf b = BUF(4096);

    (void)state;
    struct message_query query = { .room = id_new(), .after = -1, .before = -1, .limit = 7 };
    assert_int_equal(wire_encode(message_query_shape(), &query, &b), OK);
    assert_int_equal(wire_decode(message_query_shape(), buf_str(&b), arena, &out, &why), OK);
    assert_true(out.after == -1 && out.before == -1 && out.limit == 7);
    buf_clear(&b);
    assert_int_equal(wire_encode(message_page_shape(), &page, &b), OK);
    assert_int_equal(wire_decode(message_page_shape(), buf_str(&b), arena, &back, &why), OK);
    assert_true(back.messages.len == 0 && back.head == 3);
    buf_free(&b);
}

static enum err encode(const struct message *m)
{
    struct buf b = BUF(4096);
    enum err e;

    buf_add_char(&b, 'x');
    e = wire_encode(message_shape(), m, &b);
    assert_true(e == OK || b.len == 1);
    buf_free(&b);
    return e;
}

static void what_is_out_of_bounds_is_not_sent(void **state)
{
    struct message m = sample();

    (void)state;
    assert_int_equal(encode(&m), OK);
    m.seq = 0;
    assert_int_equal(encode(&m), ERR_INTERNAL);
    m = sample();
    m.room = (struct id){ { 0 } };
    assert_int_equal(encode(&m), ERR_INTERNAL);
    m = sample();
    m.body = (struct str){ "\xff", 1 };
    assert_int_equal(encode(&m), ERR_INTERNAL);
    m = sample();
    m.meta = (struct str){ "\x92\x01", 2 };
    assert_int_equal(encode(&m), ERR_INTERNAL);
    m = sample();
    m.sender = STR_NONE;
    assert_int_equal(encode(&m), ERR_INTERNAL);
    m = sample();
    m.body = STR_NONE; /* required, and may be empty */
    assert_int_equal(encode(&m), OK);
}

static void a_list_is_refused_with_the_place_of_its_fault(void **state)
{
    struct buf b = BUF(4096), odd = BUF(4096);
    struct message all[3] = { sample(), sample(), sample() };
    struct message_page page = { .messages = { all, 3 } }, out;
    char *seq;

    (void)state;
    all[2].seq = 77;
    assert_int_equal(wire_encode(message_page_shape(), &page, &b), OK);
    assert_non_null(seq = memmem(b.at, b.len, "\xa3seq\x4d", 5));
    seq[4] = 0;
    assert_int_equal(wire_decode(message_page_shape(), buf_str(&b), arena, &out, &why), ERR_INVALID_ARGUMENT);
    assert_string_equal(why.field, "messages[2].seq");
    assert_string_equal(why.text, "messages[2].seq: is less than 1");
    buf_free(&b);
    buf_free(&odd);
}

static void a_record_in_a_record_is_there_or_is_null(void **state)
{
#define ID_AND "{\"inner\":{\"id\":\"01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2\","
    static const char *const texts[] = { "{}", "{\"inner\":null}", "{\"inner\":[]}",
        ID_AND "\"rule\":{\"effect\":\"perhaps\"}}}", ID_AND "\"name\":\"\"}}" };
    static const char *const fields[] = { "inner", "inner", "inner", "inner.rule.effect", "inner.name" };
    struct inner inner = { .id = id_new(), .name = STR("a name") };
    struct nested nested = { .inner = &inner }, back;
    struct buf bytes = BUF(4096), json = BUF(4096);

    (void)state;
    assert_int_equal(wire_encode(nested_shape(), &nested, &bytes), OK);
    assert_int_equal(wire_decode(nested_shape(), buf_str(&bytes), arena, &back, &why), OK);
    assert_true(id_eq(back.inner->id, inner.id) && str_is(back.inner->name, "a name"));
    assert_true(back.inner->rule == NULL && back.other == NULL);
    assert_int_equal(wire_write_json(nested_shape(), &back, &json), OK);
    memset(&back, 0xff, sizeof back);
    assert_int_equal(wire_read_json(nested_shape(), buf_str(&json), arena, &back, &why), OK);
    assert_true(id_eq(back.inner->id, inner.id) && back.inner->rule == NULL && back.other == NULL);
    for (size_t i = 0; i < COUNT(texts); i++) {
        assert_int_equal(wire_read_json(nested_shape(), str_of(texts[i]), arena, &back, &why), ERR_INVALID_ARGUMENT);
        assert_string_equal(why.field, fields[i]);
    }
    buf_clear(&bytes);
    nested.inner = NULL; /* required */
    assert_int_equal(wire_encode(nested_shape(), &nested, &bytes), ERR_INTERNAL);
    buf_free(&bytes);
    buf_free(&json);
}

static void what_declares_more_than_there_may_be_is_too_large(void **state)
{
    const size_t n = WIRE_MAX_VALUES + 1;
    struct buf bytes = BUF(16u << 20);
    struct log_rooms rooms;

    (void)state;
    buf_add(&bytes, "\xdd\x00\x60\x00\x01", 5); /* an array of so many */
    for (size_t i = 0; i < n; i++) buf_add_char(&bytes, '\xc0');
    assert_int_equal(wire_decode(log_rooms_shape(), buf_str(&bytes), arena, &rooms, &why), ERR_TOO_LARGE);
    buf_free(&bytes);

    struct arena *small = arena_create("small", 100);
    struct id ids[10];
    for (size_t i = 0; i < COUNT(ids); i++) ids[i] = id_new();
    struct log_rooms ten = { { ids, COUNT(ids) } };
    bytes = BUF(1000);
    assert_int_equal(wire_encode(log_rooms_shape(), &ten, &bytes), OK);
    assert_int_equal(wire_decode(log_rooms_shape(), buf_str(&bytes), small, &rooms, &why), ERR_TOO_LARGE);
    assert_string_equal(why.field, "rooms");
    assert_false(arena_is_over(small)); /* asked before */
    arena_destroy(&small);
    buf_free(&bytes);
}

static void what_json_could_not_repeat_is_no_any(void **state)
{
    static const struct str bad[] = { { "\xa1\xff", 2 }, { "\x81\x01\x02", 3 }, { "\xd4\x01z", 3 },
        { "\x91\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", 10 }, { "\x81\xa1\x00\x01", 4 } };

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct buf b = BUF(4096);
        struct message m = sample(), out;
        m.meta = bad[i];
        assert_int_equal(wire_encode(message_shape(), &m, &b), OK);
        assert_int_equal(wire_decode(message_shape(), buf_str(&b), arena, &out, &why), ERR_INVALID_ARGUMENT);
        assert_string_equal(why.field, "meta");
        buf_free(&b);
    }
}

/* What was stored is handed on as its text, which may be longer than the same value in msgpack. */
static void an_any_may_stay_text(void **state)
{
    (void)state;
    char longest[3 * 4096 + 2];
    struct buf any = BUF(20000), bytes = BUF(50000), json = BUF(50000);
    struct message m = sample(), out;

    memset(longest, '1', sizeof longest);
    for (size_t len = sizeof longest - 2; len < sizeof longest; len++) {
        buf_clear(&any);
        buf_clear(&bytes);
        wire_any_of_text((struct str){ longest, len }, &any);
        m.meta = buf_str(&any);
        enum err e = wire_encode(message_shape(), &m, &bytes);
        assert_int_equal(e, len == 3 * 4096 ? OK : ERR_INTERNAL);
        if (e != OK) continue;
        assert_int_equal(wire_decode(message_shape(), buf_str(&bytes), arena, &out, &why), OK);
        assert_int_equal(wire_any_text(out.meta).len, len);
        assert_int_equal(wire_any_to_json(out.meta, &json), OK);
        assert_true(str_eq(buf_str(&json), (struct str){ longest, len }));
    }
    buf_free(&any);
    buf_free(&bytes);
    buf_free(&json);
}

int main(void)
{
    log_init("test", LOG_ERROR + 1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_are_views_into_the_bytes),
        cmocka_unit_test(absent_optionals_are_zero_and_defaults_are_set),
        cmocka_unit_test(what_is_out_of_bounds_is_not_sent),
        cmocka_unit_test(a_list_is_refused_with_the_place_of_its_fault),
        cmocka_unit_test(a_record_in_a_record_is_there_or_is_null),
        cmocka_unit_test(what_declares_more_than_there_may_be_is_too_large),
        cmocka_unit_test(what_json_could_not_repeat_is_no_any),
        cmocka_unit_test(an_any_may_stay_text),
    };
    return cmocka_run_group_tests_name("record", tests, make_arena, drop_arena);
}
