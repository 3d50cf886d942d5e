/* test_shapes.c - promises that hold for every record of proto/, present and future. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/contract/nested.h"
#include "tests/contract/sample.h"

static const struct wire_shape *(*const shapes[])(void) = {
#define RECORD(name, doc) name##_shape,
#include "proto/all.def"
    nested_shape,
};

static struct arena *arena;
static struct wire_error why;
static unsigned faults;

#define CHECK(condition, ...)                                                                                          \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            faults++;                                                                                                  \
            print_error("%s:%d: ", __FILE__, __LINE__);                                                                \
            print_error(__VA_ARGS__);                                                                                  \
            print_error("  (%s)\n", why.text);                                                                         \
        }                                                                                                              \
    } while (0)

#define EACH_SHAPE(s)                                                                                                  \
    for (size_t i_ = 0; i_ < COUNT(shapes); i_++)                                                                      \
        for (const struct wire_shape *s = shapes[i_](); s != NULL; s = NULL)
#define EACH_FIELD(s, f)                                                                                               \
    EACH_SHAPE(s)                                                                                                      \
    for (const struct wire_field *f = s->fields; f->name != NULL; f++)

static struct buf buffer(void)
{
    return BUF(64 << 20);
}

/* Decode into a record of the arena. */
static enum err decode(const struct wire_shape *s, struct str bytes, void **out)
{
    why = (struct wire_error){ .field = "" };
    *out = arena_zero(arena, s->size);
    return wire_decode(s, bytes, arena, *out, &why);
}

static enum err decode_twisted(const struct wire_shape *s, const struct wire_field *f, enum twist t)
{
    struct buf b = buffer();
    void *record;

    sample_put_record(s, f, t, &b);
    assert_false(b.over);
    enum err e = decode(s, buf_str(&b), &record);
    buf_free(&b);
    arena_reset(arena);
    return e;
}

static bool refuses(const struct wire_shape *s, const struct wire_field *f, enum twist t)
{
    return decode_twisted(s, f, t) == ERR_INVALID_ARGUMENT && strncmp(why.field, f->name, strlen(f->name)) == 0 &&
           strncmp(why.text, f->name, strlen(f->name)) == 0;
}

static void a_field_is_needed_if_and_only_if_the_row_says_so(void **state)
{
    (void)state;
    EACH_FIELD(s, f)
    CHECK((decode_twisted(s, f, LEFT_OUT) == OK) == !f->required, "%s without %s", s->name, f->name);
}

static void bounds_are_inclusive_and_enforced(void **state)
{
    static const enum twist good[] = { LEAST, MOST, ITEM_MOST }, bad[] = { BELOW, ABOVE, ITEM_ABOVE };

    (void)state;
    EACH_FIELD(s, f)
    {
        for (size_t i = 0; i < COUNT(good); i++) {
            if (sample_has(f, good[i]))
                CHECK(decode_twisted(s, f, good[i]) == OK, "%s.%s within its bounds", s->name, f->name);
            if (sample_has(f, bad[i])) CHECK(refuses(s, f, bad[i]), "%s.%s beyond its bounds", s->name, f->name);
        }
    }
}

static void another_kind_is_refused(void **state)
{
    (void)state;
    EACH_FIELD(s, f)
    if (sample_has(f, WRONG_KIND)) CHECK(refuses(s, f, WRONG_KIND), "%s.%s as nil", s->name, f->name);
}

static void a_field_given_twice_is_refused(void **state)
{
    (void)state;
    EACH_FIELD(s, f)
    CHECK(refuses(s, f, TWICE), "%s.%s twice", s->name, f->name);
}

static void a_record_cut_anywhere_is_malformed(void **state)
{
    (void)state;
    EACH_SHAPE(s)
    {
        struct buf b = buffer();
        void *record;
        sample_put_record(s, NULL, AS_IT_IS, &b);
        for (size_t n = 0; n < b.len; n++) {
            /* A copy of exactly that size: the sanitizer sees a read beyond it. */
            char *copy = mem_alloc(n);
            memcpy(copy, b.at, n);
            CHECK(decode(s, (struct str){ copy, n }, &record) == ERR_MALFORMED, "%s cut at %zu", s->name, n);
            mem_free(copy);
        }
        buf_add_char(&b, 0);
        CHECK(decode(s, buf_str(&b), &record) == ERR_MALFORMED, "%s with a byte more", s->name);
        buf_free(&b);
        arena_reset(arena);
    }
}

/* Of a map, in a fixmap or in a map 16, whose head has so many bytes. */
static size_t fields_of(struct str map, size_t *head)
{
    const unsigned char *at = (const unsigned char *)map.at;
    bool is_fix = (at[0] & 0xF0) == 0x80;

    assert_true(is_fix || at[0] == 0xDE);
    *head = is_fix ? 1 : 3;
    return is_fix ? at[0] & 0x0Fu : (size_t)at[1] << 8 | at[2];
}

/* The map with one more pair, of which our shape knows nothing, in front. */
static void an_unknown_field_is_ignored(void **state)
{
    (void)state;
    EACH_SHAPE(s)
    {
        struct buf b = buffer(), more = buffer();
        msgpack_packer pk = pack_into(&more);
        void *record;
        sample_put_record(s, NULL, AS_IT_IS, &b);
        size_t head = 0, n = fields_of(buf_str(&b), &head);
        msgpack_pack_map(&pk, n + 1);
        pack_text(&pk, STR("field_of_the_future"));
        msgpack_pack_array(&pk, 1);
        msgpack_pack_ext_with_body(&pk, "xx", 2, 7);
        buf_add_str(&more, str_skip(buf_str(&b), head));
        CHECK(decode(s, buf_str(&more), &record) == OK, "%s with an unknown field", s->name);
        buf_free(&b);
        buf_free(&more);
        arena_reset(arena);
    }
}

static bool same(const struct buf *a, const struct buf *b)
{
    return str_eq(buf_str(a), buf_str(b));
}

/* msgpack -> record -> msgpack -> JSON -> msgpack: the bytes that come back. */
static void go_round(const struct wire_shape *s, const struct buf *from, struct buf *encoded, struct buf *back)
{
    struct buf json = buffer();
    void *record;

    CHECK(decode(s, buf_str(from), &record) == OK, "%s: decode", s->name);
    CHECK(wire_encode(s, record, encoded) == OK, "%s: encode", s->name);
    CHECK(wire_to_json(s, buf_str(encoded), &json) == OK, "%s: to JSON", s->name);
    CHECK(wire_from_json(s, buf_str(&json), back, &why) == OK, "%s: from JSON %.*s", s->name, STR_ARG(buf_str(&json)));
    CHECK(memchr(json.at, 0x1e, json.len) == NULL, "%s: a raw record separator in JSON", s->name);
    buf_free(&json);
    arena_reset(arena);
}

static void a_full_record_survives_the_round_through_json(void **state)
{
    (void)state;
    EACH_SHAPE(s)
    {
        struct buf b = buffer(), encoded = buffer(), back = buffer();
        sample_put_record(s, NULL, AS_IT_IS, &b);
        go_round(s, &b, &encoded, &back);
        CHECK(same(&b, &encoded), "%s differs after decode and encode", s->name);
        CHECK(same(&b, &back), "%s differs after JSON", s->name);
        buf_free(&b);
        buf_free(&encoded);
        buf_free(&back);
    }
}

/* Encoding spells out the defaults, so it is the second generation that has to stay the same. */
static void a_least_record_survives_the_round_through_json(void **state)
{
    (void)state;
    EACH_SHAPE(s)
    {
        struct buf b = buffer(), first = buffer(), second = buffer(), back = buffer();
        sample_put_least(s, &b);
        go_round(s, &b, &first, &back);
        CHECK(same(&first, &back), "%s differs after JSON", s->name);
        buf_clear(&back);
        go_round(s, &first, &second, &back);
        CHECK(same(&first, &second), "%s differs in the second generation", s->name);
        buf_free(&b);
        buf_free(&first);
        buf_free(&second);
        buf_free(&back);
    }
}

static unsigned depth_of(const struct wire_shape *s)
{
    unsigned deepest = 1;

    for (const struct wire_field *f = s->fields; f->name != NULL; f++) {
        unsigned inner = f->kind == WIRE_LIST                           ? 1 + depth_of(f->of())
                         : f->kind == WIRE_ONE                          ? depth_of(f->of())
                         : f->kind == WIRE_ANY                          ? WIRE_ANY_DEPTH
                         : f->kind == WIRE_TEXTS || f->kind == WIRE_IDS ? 1
                                                                        : 0;
        if (1 + inner > deepest) deepest = 1 + inner;
    }
    return deepest;
}

static void what_was_taken_can_be_sent_again_at_every_depth(void **state)
{
    (void)state;
    EACH_SHAPE(s)
    CHECK(depth_of(s) <= WIRE_MAX_DEPTH, "%s is %u deep", s->name, depth_of(s));
}

static bool is_snake(const char *name)
{
    return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name) && strlen(name) <= 64;
}

static void names_and_meanings_are_there(void **state)
{
    (void)state;
    EACH_SHAPE(s)
    CHECK(is_snake(s->name) && *s->doc, "record %s", s->name);
    EACH_FIELD(s, f)
    {
        CHECK(is_snake(f->name) && *f->doc, "%s.%s", s->name, f->name);
        CHECK(wire_find(s, str_of(f->name)) == f, "%s.%s twice in its record", s->name, f->name);
        CHECK(f->min <= f->max, "%s.%s has no value within its bounds", s->name, f->name);
    }
}

static int begin(void **state)
{
    (void)state;
    faults = 0;
    arena = arena_create("test", 1u << 30);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_destroy(&arena);
    if (faults > 0) print_error("%u broken promises\n", faults);
    return 0;
}

/* A CHECK counts instead of stopping at the first row; the count must be none. */
#define PROMISE(name)                                                                                                  \
    static void test_##name(void **state)                                                                              \
    {                                                                                                                  \
        name(state);                                                                                                   \
        assert_int_equal(faults, 0);                                                                                   \
    }
PROMISE(a_field_is_needed_if_and_only_if_the_row_says_so)
PROMISE(bounds_are_inclusive_and_enforced)
PROMISE(another_kind_is_refused)
PROMISE(a_field_given_twice_is_refused)
PROMISE(a_record_cut_anywhere_is_malformed)
PROMISE(an_unknown_field_is_ignored)
PROMISE(a_full_record_survives_the_round_through_json)
PROMISE(a_least_record_survives_the_round_through_json)
PROMISE(what_was_taken_can_be_sent_again_at_every_depth)
PROMISE(names_and_meanings_are_there)

#define TEST(name)                                                                                                     \
    {                                                                                                                  \
#name, test_##name, begin, end, NULL                                                                           \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(names_and_meanings_are_there),
        TEST(what_was_taken_can_be_sent_again_at_every_depth),
        TEST(a_full_record_survives_the_round_through_json),
        TEST(a_least_record_survives_the_round_through_json),
        TEST(a_field_is_needed_if_and_only_if_the_row_says_so),
        TEST(bounds_are_inclusive_and_enforced),
        TEST(another_kind_is_refused),
        TEST(a_field_given_twice_is_refused),
        TEST(a_record_cut_anywhere_is_malformed),
        TEST(an_unknown_field_is_ignored),
    };
    return cmocka_run_group_tests_name("shapes", tests, NULL, NULL);
}
