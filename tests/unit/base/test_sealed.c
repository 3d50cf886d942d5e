/* test_sealed.c - what is sealed opens with its key, for its purpose, unchanged; and with no other. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libshared/base/sealed.h"

#define FORMER "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define NEXT   "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"

static struct arena *arena;
static char why[200];

static void take(const char *text)
{
    assert_true(file_keys_take(str_of(text), why, sizeof why));
}

static void it_opens_as_it_was(void **state)
{
    struct str plain = STR("-----BEGIN PRIVATE KEY-----"), opened;

    (void)state;
    take(FORMER "\n");
    struct str one = seal(arena, STR("table.column:1"), plain), other = seal(arena, STR("table.column:1"), plain);
    assert_int_equal(one.len, plain.len + SEALED_BYTES_MORE);
    assert_null(memmem(one.at, one.len, "PRIVATE", 7));
    assert_false(str_eq(one, other)); /* a nonce each */
    assert_true(unseal(arena, STR("table.column:1"), one, &opened));
    assert_true(str_eq(opened, plain));
    assert_true(unseal(arena, STR("empty"), seal(arena, STR("empty"), STR("")), &opened));
    assert_int_equal(opened.len, 0);
}

static void for_another_purpose_it_does_not_open(void **state)
{
    struct str opened, sealed;

    (void)state;
    take(FORMER);
    sealed = seal(arena, STR("table.column:1"), STR("secret"));
    assert_false(unseal(arena, STR("table.column:2"), sealed, &opened));
    assert_false(unseal(arena, STR(""), sealed, &opened));
}

static void a_changed_bit_anywhere_is_found(void **state)
{
    struct str sealed, opened;

    (void)state;
    take(FORMER);
    sealed = seal(arena, STR("p"), STR("secret"));
    for (size_t i = 0; i < sealed.len * 8; i++) {
        char *copy = arena_copy(arena, sealed.at, sealed.len);
        copy[i / 8] = (char)(copy[i / 8] ^ (1 << (i % 8)));
        assert_false(unseal(arena, STR("p"), (struct str){ copy, sealed.len }, &opened));
    }
    for (size_t n = 0; n < sealed.len; n++)
        assert_false(unseal(arena, STR("p"), (struct str){ arena_copy(arena, sealed.at, n), n }, &opened));
}

static void a_key_is_changed_line_by_line(void **state)
{
    struct str sealed, opened;

    (void)state;
    take(FORMER);
    sealed = seal(arena, STR("p"), STR("secret"));
    unsigned char former[FILE_KEY_ID_BYTES];
    memcpy(former, file_key_id(0), sizeof former);
    take(NEXT "\n" FORMER "\n");
    assert_true(unseal(arena, STR("p"), sealed, &opened));
    assert_memory_equal(sealed_key_id(sealed), former, sizeof former);
    struct str again = seal(arena, STR("p"), opened);
    assert_memory_equal(sealed_key_id(again), file_key_id(0), sizeof former);
    assert_memory_not_equal(sealed_key_id(again), former, sizeof former);
    take(NEXT "\n");
    assert_true(unseal(arena, STR("p"), again, &opened));
    assert_false(unseal(arena, STR("p"), sealed, &opened));
}

static void what_is_no_file_of_keys_is_refused(void **state)
{
    static const char *const BAD[] = { "", "\n\n", "secret", FORMER "0", FORMER FORMER, "x" FORMER, FORMER "\n# none\n",
        FORMER "\n" FORMER "\n" FORMER "\n" FORMER "\n" FORMER "\n" FORMER "\n" FORMER "\n" FORMER "\n" FORMER "\n" };

    (void)state;
    for (size_t i = 0; i < COUNT(BAD); i++) assert_false(file_keys_take(str_of(BAD[i]), why, sizeof why));
    assert_int_equal(file_keys_count(), 0);
    take(" " FORMER " \r\n\n" NEXT);
    assert_int_equal(file_keys_count(), 2);
}

static void a_file_that_others_may_read_is_refused(void **state)
{
    char path[] = "/tmp/file-key-XXXXXX";
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(write(fd, FORMER "\n", 65), 65);
    assert_true(file_keys_load(path, why, sizeof why));
    assert_int_equal(fchmod(fd, 0604), 0);
    assert_false(file_keys_load(path, why, sizeof why));
    assert_string_equal(why, "others than its owner may read it");
    assert_int_equal(fchmod(fd, 0640), 0);
    assert_true(file_keys_load(path, why, sizeof why));
    close(fd);
    unlink(path);
    assert_false(file_keys_load(path, why, sizeof why));
    assert_string_equal(why, "No such file or directory");
    assert_false(file_keys_load("/dev/zero", why, sizeof why));
    assert_false(file_keys_load("/", why, sizeof why));
}

static int make_arena(void **state)
{
    (void)state;
    arena = arena_create("test", 16u << 20);
    return 0;
}

static int drop_arena(void **state)
{
    (void)state;
    arena_destroy(&arena);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_opens_as_it_was),
        cmocka_unit_test(for_another_purpose_it_does_not_open),
        cmocka_unit_test(a_changed_bit_anywhere_is_found),
        cmocka_unit_test(a_key_is_changed_line_by_line),
        cmocka_unit_test(what_is_no_file_of_keys_is_refused),
        cmocka_unit_test(a_file_that_others_may_read_is_refused),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
