/* test_tus.c - headers of tus. */
// SPDX-License-Identifier: Apache-2.0
#include "services/share/media/tus.h"

#include "services/share/media/uploads.h"
#include "tests/unit/arena.h"

static void a_name_is_found_among_others(void **state)
{
    static const struct {
        const char *header, *name;
    } cases[] = {
        { "filename YS50eHQ=", "a.txt" },
        { "is_confidential,filename YS50eHQ=", "a.txt" },
        { "filetype dGV4dA==, filename w7wg7ZWc", "\xc3\xbc \xed\x95\x9c" },
        { "filename", "" },
        { "filename ", "" },
        { "", NULL },
        { "name YS50eHQ=", NULL },
        { "filename YS50eHQ=,filename YS50eHQ=", NULL },
        { "filename *", NULL },
        { "filename /w==", NULL },
        { "filename AA==", NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct str found = STR_NONE;
        assert_int_equal(tus_metadata_find(str_of(cases[i].header), "filename", arena, &found), cases[i].name != NULL);
        if (cases[i].name != NULL) assert_true(str_is(found, cases[i].name));
    }
}

static void a_checksum_has_the_length_of_its_algorithm(void **state)
{
    struct tus_checksum sum;

    (void)state;
    assert_true(tus_checksum_read(STR("sha1 qvTGHdzF6KLavt4PO0gs2a6pQ00="), &sum));
    assert_int_equal(sum.len, 20);
    assert_true(tus_checksum_read(STR("sha256 LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="), &sum));
    assert_int_equal(sum.len, 32);
    assert_false(tus_checksum_read(STR("sha256 qvTGHdzF6KLavt4PO0gs2a6pQ00="), &sum));
    assert_false(tus_checksum_read(STR("md5 XUFAKrxLKna5cZ2REBfFkg=="), &sum));
    assert_false(tus_checksum_read(STR("sha1"), &sum));
    assert_false(tus_checksum_read(STR("sha1 *"), &sum));
    assert_false(tus_checksum_read(STR(""), &sum));
}

static void the_last_byte_is_not_there_before_all_is_done(void **state)
{
    (void)state;
    assert_int_equal(transfer_offset(0, 10, 10), 0);
    assert_int_equal(transfer_offset(9, 10, 10), 9);
    assert_int_equal(transfer_offset(10, 10, 10), 9);
    assert_int_equal(transfer_offset(8, 5, 10), 5);
    assert_int_equal(transfer_offset(3, 5, 10), 3);
    assert_int_equal(transfer_offset(1, 1, 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_found_among_others),
        cmocka_unit_test(a_checksum_has_the_length_of_its_algorithm),
        cmocka_unit_test(the_last_byte_is_not_there_before_all_is_done),
    };

    return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
