/* test_api_key.c - a key's form: what is taken, and that nothing else is. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "libshared/policy/api_key.h"

static char key[API_KEY_CHARS + 1], id[API_KEY_ID_CHARS + 1];

static int make_key(void **state)
{
    (void)state;
    api_key_new_id(id);
    api_key_new(id, key);
    return 0;
}

static void a_new_key_is_taken_apart(void **state)
{
    (void)state;
    struct api_key_parts parts;

    assert_int_equal(strlen(key), API_KEY_CHARS);
    assert_true(api_key_parse(str_of(key), &parts));
    assert_true(str_is(parts.id, id));
    assert_int_equal(parts.secret.len, 43);
}

static void a_key_has_one_spelling(void **state)
{
    (void)state;
    static const char *const tails[] = { "\n", " ", "=", "x", "%20" };
    struct api_key_parts parts;
    char text[API_KEY_CHARS + 8];

    for (size_t i = 0; i < sizeof tails / sizeof *tails; i++) {
        snprintf(text, sizeof text, "%s%s", key, tails[i]);
        assert_false(api_key_parse(str_of(text), &parts));
        snprintf(text, sizeof text, "%s%s", tails[i], key);
        assert_false(api_key_parse(str_of(text), &parts));
    }
    assert_false(api_key_parse((struct str){ key, API_KEY_CHARS + 1 }, &parts)); /* a NUL */
    for (int n = 0; n < 50; n++) {                                               /* until its checksum has a letter */
        api_key_new(id, text);
        bool has_letter = false;
        for (char *c = text + API_KEY_CHARS - 8; *c != '\0'; c++)
            if (*c >= 'a' && *c <= 'f') {
                *c = (char)(*c - 32);
                has_letter = true;
            }
        assert_int_equal(api_key_parse(str_of(text), &parts), !has_letter);
        if (has_letter) return;
    }
    fail_msg("50 checksums without a letter");
}

static void any_changed_character_is_refused(void **state)
{
    (void)state;
    struct api_key_parts parts;

    for (size_t i = 0; i < API_KEY_CHARS; i++) {
        char kept = key[i];
        key[i] = kept == 'x' ? 'y' : 'x';
        if (api_key_parse(str_of(key), &parts)) fail_msg("character %zu", i);
        key[i] = kept;
    }
    assert_true(api_key_parse(str_of(key), &parts));
}

static void any_other_length_is_refused(void **state)
{
    (void)state;
    struct api_key_parts parts;

    for (size_t len = 0; len < API_KEY_CHARS; len++) assert_false(api_key_parse((struct str){ key, len }, &parts));
    assert_false(api_key_parse((struct str){ key, API_KEY_CHARS + 1 }, &parts));
    assert_false(api_key_parse(STR_NONE, &parts));
}

static void a_known_key_stays_valid_for_ever(void **state)
{
    (void)state;
    struct api_key_parts parts;
    unsigned char hash[32];
    static const unsigned char expected[4] = { 0x0f, 0x00, 0x73, 0x85 };

    assert_true(api_key_parse(STR("mdk_0123456789AB_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA_78dd7de5"), &parts));
    api_key_hash(parts.secret, hash);
    assert_memory_equal(hash, expected, sizeof expected);
}

static void two_keys_differ(void **state)
{
    (void)state;
    char other[API_KEY_CHARS + 1];

    api_key_new(id, other);
    assert_memory_equal(key, other, 17);
    assert_string_not_equal(key, other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_key_is_taken_apart),
        cmocka_unit_test(a_key_has_one_spelling),
        cmocka_unit_test(any_changed_character_is_refused),
        cmocka_unit_test(any_other_length_is_refused),
        cmocka_unit_test(a_known_key_stays_valid_for_ever),
        cmocka_unit_test(two_keys_differ),
    };
    return cmocka_run_group_tests(tests, make_key, NULL);
}
