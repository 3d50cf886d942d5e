/* test_links.c - codes of links, and what somebody carries who has opened some. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "libshared/base/sealed.h"
#include "services/share/links/links.h"
#include "tests/unit/arena.h"

#define NOW  INT64_C(1795000000000)
#define LOCK 1000000 /* which password was said */

static const struct settings_share an_hour = { .visit_s = 3600 };
static struct share share = { .settings = &an_hour };
static struct wire_error why;

static struct call call_at(int64_t now)
{
    return (struct call){ .arena = arena, .context = &share, .now = now, .why = &why };
}

/* A visit to `code` at that time, by who has `before`. */
static struct str visited(int64_t now, struct str before, const char *code)
{
    struct call call = call_at(now);
    struct link_visit visit = visit_read(&call, before, str_of(code), STR("key"));
    struct str text = STR_NONE;

    assert_int_equal(visit_print(&call, &visit, LOCK, &text), OK);
    return text;
}

static void codes_have_14_letters_that_are_equally_likely(void **state)
{
    char code[LINK_CODE_CHARS + 1];
    int seen[256] = { 0 }, letters = 0;

    (void)state;
    for (int i = 0; i < 23200; i++) {
        link_code_make(code);
        assert_int_equal(strlen(code), 14);
        for (size_t k = 0; k < LINK_CODE_CHARS; k++) seen[(unsigned char)code[k]]++;
    }
    for (int c = 0; c < 256; c++) {
        if (seen[c] == 0) continue;
        letters++;
        assert_in_range(seen[c], 5600 - 600, 5600 + 600); /* eight times what chance has */
    }
    assert_int_equal(letters, 58);
    assert_int_equal(seen['0'] + seen['O'] + seen['I'] + seen['l'], 0);
}

static void a_visit_is_fresh_for_an_hour_and_of_its_code_alone(void **state)
{
    struct str visit = visited(NOW, STR_NONE, "one");
    struct call soon = call_at(NOW + 3599999), later = call_at(NOW + 3600000);

    (void)state;
    assert_true(visit_read(&soon, visit, STR("one"), STR("key")).is_fresh);
    assert_false(visit_read(&later, visit, STR("one"), STR("key")).is_fresh);
    assert_true(visit_read(&later, visit, STR("one"), STR("key")).had);
    assert_int_equal(visit_read(&later, visit, STR("one"), STR("key")).lock, LOCK);
    assert_int_equal(visit_read(&soon, visit, STR("two"), STR("key")).lock, 0);
    assert_false(visit_read(&soon, visit, STR("two"), STR("key")).had);
    assert_false(visit_read(&soon, STR("none of ours"), STR("one"), STR("key")).had);
    assert_false(visit_read(&soon, STR_NONE, STR("one"), STR("key")).had);
}

static void the_newest_fourteen_are_carried_each_once(void **state)
{
    struct str visit = STR_NONE;
    struct call soon = call_at(NOW + 100);

    (void)state;
    for (int i = 0; i < 15; i++) visit = visited(NOW + i, visit, arena_printf(arena, "%d", i).at);
    assert_false(visit_read(&soon, visit, STR("0"), STR("key")).had);
    assert_true(visit_read(&soon, visit, STR("1"), STR("key")).is_fresh);
    assert_true((int64_t)visit.len <= wire_find(shared_conversation_shape(), STR("share_visit"))->max);
    visit = visited(NOW + 50, visit, "14");
    struct link_visit all = visit_read(&soon, visit, STR("1"), STR("key"));
    assert_int_equal(all.visits.opened.len, 14);
    assert_true(all.is_fresh);
    assert_int_equal(all.visits.opened.at[0].at, NOW + 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_have_14_letters_that_are_equally_likely),
        cmocka_unit_test(a_visit_is_fresh_for_an_hour_and_of_its_code_alone),
        cmocka_unit_test(the_newest_fourteen_are_carried_each_once),
    };
    char reason[200];

    if (!file_keys_take(
            STR("0101010101010101010101010101010101010101010101010101010101010101\n"), reason, sizeof reason))
        return 1;
    return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
