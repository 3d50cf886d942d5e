/* test_email_syntax.c - what is an e-mail address, and what only looks like one. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "services/auth/users/email_syntax.h"

static struct arena *arena;

static int start(void **state)
{
    (void)state;
    arena = arena_create("test", 1u << 20);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    arena_destroy(&arena);
    return 0;
}

static void an_address_has_its_parts(void **state)
{
    (void)state;
    static const struct {
        const char *text, *local, *domain;
    } cases[] = {
        { "ada@example.org", "ada", "example.org" },
        { "Ada.Lovelace+chat@Example.ORG", "Ada.Lovelace+chat", "example.org" },
        { "!#$%&'*+-/=?^_`{|}~@example.org", "!#$%&'*+-/=?^_`{|}~", "example.org" },
        { "\"ada lovelace\"@example.org", "ada lovelace", "example.org" },
        { "\"a@b\\\"c\\\\\"@example.org", "a@b\"c\\", "example.org" },
        { "\"ada\"@example.org", "ada", "example.org" }, /* RFC 5321 4.1.2: the same mailbox as without the quotes */
        { "아다@도메인.kr", "아다", "xn--hq1bm8jm9l.kr" },
        { "ada@xn--hq1bm8jm9l.kr", "ada", "xn--hq1bm8jm9l.kr" },
        { "ada@B\xc3\x9c"
          "cher.example",
            "ada", "xn--bcher-kva.example" },
        { "a@1.2.example", "a", "1.2.example" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct email_parts parts;
        const char *why = email_parse(arena, str_of(cases[i].text), &parts);

        if (why != NULL) fail_msg("%s %s", cases[i].text, why);
        if (!str_is(parts.local, cases[i].local) || !str_is(parts.domain, cases[i].domain))
            fail_msg("%s: %.*s at %.*s", cases[i].text, STR_ARG(parts.local), STR_ARG(parts.domain));
    }
}

static void what_only_looks_like_one_is_none(void **state)
{
    (void)state;
    static const char *const others[] = { "", "ada", "@example.org", "ada@", "ada@example", "ada@example.", "ada@.org",
        "ada@exa mple.org", ".ada@example.org", "ada.@example.org", "a..da@example.org", "a da@example.org",
        "ada@b@example.org", "\"ada@example.org", "ada\"b\"@example.org", "\"\"@example.org", "\"a\"b\"@example.org",
        "\"a\\\"@example.org", "ada@[127.0.0.1]", "ada@[IPv6:::1]", "ada@127.0.0.1", "ada@-a.org", "ada@a-.org",
        "ada@exa_mple.org", "ada@example..org", "ada,bo@example.org", "<ada@example.org>", "ada@example.org>",
        "ada@example.org\n", "ada\xe2\x80\x8b@example.org",
        "ada\xef\xbc\xa0"
        "example.org",
        " ada@example.org", "ada@exam\xc2\xadple.org",
        "ada@ex\xe2\x80\xae"
        "ample.org",
        "12345678901234567890123456789012345678901234567890123456789012345@example.org",
        "a@1234567890123456789012345678901234567890123456789012345678901234.org", "ada@xn--zzzzzzzz--.org" };

    for (size_t i = 0; i < COUNT(others); i++) {
        struct email_parts parts;

        if (email_parse(arena, str_of(others[i]), &parts) == NULL) fail_msg("taken: %s", others[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_has_its_parts),
        cmocka_unit_test(what_only_looks_like_one_is_none),
    };
    return cmocka_run_group_tests_name("email syntax", tests, start, stop);
}
