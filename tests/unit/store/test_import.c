/* test_import.c - the lines of a file that is read in: a part is taken whole as it was made, or not at all. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "libshared/wire/wire.h"
#include "services/store/export/export.h"
#include "services/store/import/import.h"

#define NOW     100000
#define ENTRIES 5
#define LINES   (1 + 2 + ENTRIES + 1) /* begin, members, entries, mark */

static struct arena *arena;

static int set_up(void **state)
{
    (void)state;
    arena = arena_create("test", 1u << 26);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_destroy(&arena);
    return 0;
}

static struct id room_id(void)
{
    struct id id;

    assert_true(id_parse(STR("01a1fc5b-91e8-7a5a-b6ba-02a92ae85de2"), &id));
    return id;
}

/* As log_export.c makes one: two members, entries, and a mark behind which there are more. */
static struct str a_part(struct export_place *to)
{
    struct buf out = BUF(65536);
    struct exported_room room = { .id = room_id(),
        .name = STR("a yard"),
        .topic = STR(""),
        .created_by = STR("olga"),
        .created_at = 7,
        .writes = STR("member"),
        .invites = STR("admin"),
        .history = STR("all") };
    struct room_member members[] = { { .subject = STR("max"), .role = STR("member"), .joined_at = 8 },
        { .subject = STR("olga"), .role = STR("owner"), .joined_at = 7 } };
    char zeroes[32] = { 0 };

    export_put_begin(&out, &room, 0, 2 * ENTRIES);
    export_put_members(&out, (struct room_member_list){ members, 2 });
    for (int64_t seq = 1; seq <= ENTRIES; seq++) {
        char id[16];
        snprintf(id, sizeof id, "entry-%d", (int)seq);
        export_put_entry(&out, &(struct message){ .room = room.id,
                                   .seq = seq,
                                   .id = str_of(id),
                                   .sender = STR("olga"),
                                   .body = STR("a \"word\""),
                                   .at = seq });
    }
    *to = (struct export_place){
        .members = true, .seq = ENTRIES, .head = 2 * ENTRIES, .entries = ENTRIES, .room = room.id
    };
    to->hash = export_hash(arena, (struct str){ zeroes, sizeof zeroes }, buf_str(&out));
    export_put_last(&out, to, export_place_print(arena, to));
    struct str text = arena_str(arena, buf_str(&out));
    buf_free(&out);
    return text;
}

static enum err read_lines(struct str after, struct str text, struct import_lines *out, int64_t *line)
{
    struct wire_error why = { 0 };
    enum err e = import_lines_read(arena, after, text, 0, NOW, out, &why);

    *line = why.line;
    return e;
}

static void cut_lines(struct str text, struct str lines[LINES])
{
    for (size_t i = 0; i < LINES; i++) {
        const char *end = memchr(text.at, '\n', text.len);
        assert_non_null(end);
        lines[i] = (struct str){ text.at, (size_t)(end - text.at) + 1 };
        text = str_skip(text, lines[i].len);
    }
    assert_int_equal(text.len, 0);
}

static void a_part_is_what_was_put_into_it(void **state)
{
    struct export_place to;
    struct import_lines lines;
    struct str text = a_part(&to);
    int64_t line;

    (void)state;
    assert_int_equal(read_lines(STR_NONE, text, &lines, &line), OK);
    assert_true(id_eq(lines.room, room_id()) && lines.begin != NULL && !lines.is_whole && !lines.goes_on);
    assert_int_equal(lines.members.len, 2);
    assert_int_equal(lines.entries.len, ENTRIES);
    assert_int_equal(lines.entries_at, 4);
    assert_int_equal(lines.place.seq, ENTRIES);
    assert_true(str_eq(lines.place.hash, to.hash) && id_eq(lines.place.room, to.room));
    assert_true(str_is(lines.entries.at[4].body, "a \"word\"") && str_is(lines.members.at[1].role, "owner"));
}

/* Whatever happens to a line: it is away, twice, elsewhere, or has one letter of another kind. */
static void a_line_that_is_not_as_it_was_made_is_noticed(void **state)
{
    struct export_place to;
    struct str text = a_part(&to), lines[LINES];
    struct import_lines out;
    int64_t line;

    (void)state;
    cut_lines(text, lines);
    for (size_t deed = 0; deed < 3; deed++)
        for (size_t i = 0; i < LINES; i++) {
            struct buf other = BUF(65536);
            for (size_t k = 0; k < LINES; k++) {
                if (deed == 0 && k == i) continue;
                buf_add_str(&other, deed == 2 && k == i ? lines[(i + 1) % LINES] : lines[k]);
                if (deed == 1 && k == i) buf_add_str(&other, lines[k]);
            }
            assert_int_equal(read_lines(STR_NONE, buf_str(&other), &out, &line), ERR_INVALID_ARGUMENT);
            assert_in_range(line, 1, LINES + 1);
            buf_free(&other);
        }
    for (size_t at = 0; at < text.len - lines[LINES - 1].len; at++) {
        char *other = arena_copy(arena, text.at, text.len);
        other[at] = other[at] == 'x' ? 'y' : 'x';
        assert_int_not_equal(read_lines(STR_NONE, (struct str){ other, text.len }, &out, &line), OK);
    }
}

static void what_follows_a_mark_goes_on_where_it_says(void **state)
{
    struct export_place to, last;
    struct buf out = BUF(65536);
    struct import_lines lines;
    int64_t line;

    (void)state;
    (void)a_part(&to);
    struct str mark = export_place_print(arena, &to);
    for (int64_t seq = ENTRIES + 1; seq <= 2 * ENTRIES; seq++)
        export_put_entry(&out,
            &(struct message){
                .room = to.room, .seq = seq, .id = STR("an-id"), .sender = STR("olga"), .body = STR(""), .at = 1 });
    last = to;
    last.seq = last.entries = 2 * ENTRIES;
    last.hash = export_hash(arena, to.hash, buf_str(&out));
    export_put_last(&out, &last, STR_NONE);
    assert_int_equal(read_lines(mark, buf_str(&out), &lines, &line), OK);
    assert_true(lines.is_whole && lines.begin == NULL && id_eq(lines.room, to.room));
    assert_int_equal(read_lines(STR_NONE, buf_str(&out), &lines, &line), ERR_INVALID_ARGUMENT);
    assert_int_equal(line, 1);
    buf_free(&out);

    /* A body that begins with a mark begins behind it; one of before, which names no room, does not say behind what. */
    for (int names_room = 1; names_room >= 0; names_room--) {
        struct buf first = BUF(4096);
        if (!names_room) to.room = (struct id){ { 0 } };
        export_put_last(&first, &to, export_place_print(arena, &to));
        assert_int_equal(read_lines(STR_NONE, buf_str(&first), &lines, &line), names_room ? OK : ERR_INVALID_ARGUMENT);
        if (names_room) assert_true(lines.goes_on && id_eq(lines.room, to.room));
        buf_free(&first);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_part_is_what_was_put_into_it),
        cmocka_unit_test(a_line_that_is_not_as_it_was_made_is_noticed),
        cmocka_unit_test(what_follows_a_mark_goes_on_where_it_says),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
