/* test_export.c - the lines of an export, to the byte, and its places: what a client may say where a mark is wanted. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "libshared/base/hex.h"
#include "services/store/export/export.h"

static struct id id_of(const char *text)
{
    struct id id;

    assert_true(id_parse(str_of(text), &id));
    return id;
}

static void is_text(struct buf *out, const char *text)
{
    assert_false(out->over);
    buf_add_char(out, '\0');
    assert_string_equal(out->at, text);
    buf_free(out);
}

static void each_line_has_its_fields_in_one_order(void **state)
{
    struct buf out = BUF(4096);
    struct exported_room room = { .id = id_of("01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2"),
        .name = STR("a yard"),
        .topic = STR(""),
        .created_by = STR("olga"),
        .created_at = 7,
        .writes = STR("member"),
        .invites = STR("admin"),
        .history = STR("all") };
    struct person people[] = { { .id = id_of("01a1fc5b-91e8-7a5a-b6ba-000000000002"), .nickname = STR("uma") },
        { .id = id_of("01a1fc5b-91e8-7a5a-b6ba-000000000001"), .nickname = STR("bo"), .name = STR("Bo") } };
    const struct message entry = {
        .room = room.id, .seq = 3, .id = STR("an-id-of-it"), .sender = STR("olga"), .at = 8, .body = STR("a\n\"b\"")
    };

    (void)state;
    export_put_begin(&out, &room, 0, 3);
    export_put_people(&out, (struct person_list){ people, 2 });
    export_put_entry(&out, &entry);
    is_text(&out,
        "{\"begin\":{\"format\":\"madang-room\",\"version\":1,\"room\":{\"id\":\"01a1fc5b-91e8-7a5a-b6ba-"
        "02a92ae85de2\","
        "\"name\":\"a yard\",\"topic\":\"\",\"created_by\":\"olga\",\"created_at\":7,\"open\":false,\"knocks\":false,"
        "\"listed\":false,\"lines\":false,\"writes\":\"member\",\"invites\":\"admin\",\"history\":\"all\"},\"after\":0,"
        "\"head\":3}}\n"
        "{\"person\":{\"id\":\"01a1fc5b-91e8-7a5a-b6ba-000000000001\",\"nickname\":\"bo\",\"name\":\"Bo\"}}\n"
        "{\"person\":{\"id\":\"01a1fc5b-91e8-7a5a-b6ba-000000000002\",\"nickname\":\"uma\"}}\n"
        "{\"entry\":{\"seq\":3,\"id\":\"an-id-of-it\",\"sender\":\"olga\",\"at\":8,\"body\":\"a\\n\\\"b\\\"\"}}\n");
}

static void the_hash_is_of_the_one_before_and_the_text(void **state)
{
    static const char zeroes[32];
    struct arena *arena = arena_create("test", 1 << 16);
    char text[65];

    (void)state;
    struct str first = export_hash(arena, (struct str){ zeroes, sizeof zeroes }, STR("abc"));
    hex_format((const unsigned char *)first.at, first.len, text);
    assert_string_equal(text, "365aa7d8f7f9402c4b9434502b4cc89ddb09fe50d7cd95b493b834c62d5a5370");
    assert_memory_not_equal(export_hash(arena, first, STR("")).at, first.at, first.len);
    arena_destroy(&arena);
}

static void a_place_is_read_as_it_was_printed(void **state)
{
    char longest[4 * 128 + 1] = "";
    struct arena *arena = arena_create("test", 1 << 16);
    for (int i = 0; i < 128; i++) strcat(longest, "\U0001D518");
    const struct export_place place = { .member = str_of(longest),
        .seq = INT64_MAX,
        .head = INT64_MAX,
        .entries = INT64_MAX,
        .hash = STR("0123456789abcdef0123456789abcdef") };
    struct export_place got;

    (void)state;
    struct str text = export_place_print(arena, &place);
    assert_true(text.len <= 1000); /* proto/common.def: json_lines.next */
    assert_true(export_place_read(arena, text, &got));
    assert_true(str_eq(got.member, place.member) && str_eq(got.hash, place.hash) && !got.members);
    assert_true(got.seq == INT64_MAX && got.head == INT64_MAX && got.entries == INT64_MAX);

    assert_true(export_place_read(arena, STR(""), &got));
    assert_true(got.seq == 0 && got.head == 0 && got.hash.len == 32);
    arena_destroy(&arena);
}

static void what_no_mark_says_is_no_place(void **state)
{
    struct arena *arena = arena_create("test", 1 << 16);
    const struct export_place place = { .members = true, .hash = STR("0123456789abcdef0123456789abcdef") };
    struct export_place got;
    struct str text = export_place_print(arena, &place);

    (void)state;
    for (size_t n = 1; n < text.len; n++) assert_false(export_place_read(arena, (struct str){ text.at, n }, &got));
    const char *const others[] = { "-", "nobody-said-this", "g6A", "gA", "a b", "{\"seq\":1}" };
    for (size_t i = 0; i < COUNT(others); i++) assert_false(export_place_read(arena, str_of(others[i]), &got));
    arena_destroy(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_has_its_fields_in_one_order),
        cmocka_unit_test(the_hash_is_of_the_one_before_and_the_text),
        cmocka_unit_test(a_place_is_read_as_it_was_printed),
        cmocka_unit_test(what_no_mark_says_is_no_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
