/* test_named.c - whom a text may name. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "services/store/feeds/named.h"

static struct arena *arena;

static int begin(void **state)
{
    (void)state;
    arena = arena_create("test", 64u << 20);
    return 0;
}

static int end(void **state)
{
    (void)state;
    arena_destroy(&arena);
    return 0;
}

static const struct {
    const char *text, *names;
} cases[] = {
    { "", "" },
    { "hello", "" },
    { "@", "" },
    { "@ ann", "" },
    { "@ann", "ann" },
    { "hi @ann, and @bo", "ann, and\nbo" },
    { "@민수야 왔니", "민수야 왔니" },
    { "안녕@민수", "민수" }, /* Korean needs no blank before it */
    { "(@ann)", "ann)" },
    { "@ann@bo", "ann" }, /* behind a letter: half an address */
    { "@민수@지민", "민수\n지민" },
    { "@@ann", "ann" },
    { "@ann\nand on", "ann" },
    { "@ann\r\n@bo", "ann\nbo" },
    { "ann@example.org", "" },
    { "a.b_c%d+e-@example.org", "" },
    { "see https://example.org/@ann @bo", "bo" },
    { "see (http://example.org/?a=@ann), @bo", "bo" },
    { "x://@ann\t@bo\n@cy", "bo\ncy" },
    { "/@ann", "" },
    { "`@ann` @bo", "bo" },
    { "``a ` @ann`` @bo", "bo" },
    { "```\n@ann\n``` @bo", "bo" },
    { "` @ann", "ann" }, /* nothing ends it */
    { "`` @ann `", "ann `" },
    { "`a`@ann", "ann" },
    { "@ann @bo @ann ", "ann\nbo" }, /* twice is once */
    { "@1234567890123456789012345678901234", "12345678901234567890123456789012" },
    { "@가나다라마바사아자차카타파하가나다라마바사아자차카타파하가나다라마바사",
        "가나다라마바사아자차카타파하가나다라마바사아자차카타파하가나다라" },
};

static void test_whom_a_text_names(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct str names = named_in(arena, str_of(cases[i].text));
        if (!str_is(names, cases[i].names))
            fail_msg("%s names \"%.*s\", not \"%s\"", cases[i].text, STR_ARG(names), cases[i].names);
    }
}

static void test_of_many_names_the_first_count(void **state)
{
    char text[8 * 100] = "", names[8 * 100] = "";

    (void)state;
    for (int i = 0; i < 100; i++) {
        sprintf(text + strlen(text), "@n%d ", i % 30);
        if (i < NAMED_MAX) sprintf(names + strlen(names), "%sn%d", i > 0 ? "\n" : "", i);
    }
    assert_true(str_is(named_in(arena, str_of(text)), names));
}

/* Of every text that ends anywhere no more is read than it has: ASan looks. */
static void test_a_text_may_end_anywhere(void **state)
{
    static const char text[] = "a`@b`` @김 ://@x@\n@`c`@de";

    (void)state;
    for (size_t len = 0; len < sizeof text; len++) {
        char *copy = arena_copy(arena, text, len + 1);
        struct str names = named_in(arena, (struct str){ len > 0 ? copy : NULL, len });
        assert_true(names.len <= len);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whom_a_text_names),
        cmocka_unit_test(test_of_many_names_the_first_count),
        cmocka_unit_test(test_a_text_may_end_anywhere),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
