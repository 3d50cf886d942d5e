/* test_qr.c - QR codes, held against ones that other programs read. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/page/qr.h"

#include <string.h>

#include "tests/unit/arena.h"

/* Version 1, level M, mask 0; read by jsQR 1.4. */
static const char *const hello[] = {
    "#######  ##   #######",
    "#     # ##    #     #",
    "# ### #  # ## # ### #",
    "# ### #   ##  # ### #",
    "# ### # ##  # # ### #",
    "#     #     # #     #",
    "####### # # # #######",
    "          ###        ",
    "# # # #  # #    #  # ",
    "  # ##    #   #    ##",
    " # #  # ### #   #####",
    "##  #         #    # ",
    " ## # ##  # # # #    ",
    "        #### # #  ###",
    "#######   ## ###  ###",
    "#     #   #### ##    ",
    "# ### # # ## ###   ##",
    "# ### #  #    ##  ## ",
    "# ### # ### #   # # #",
    "#     #  #    # #  # ",
    "####### ### # ##   ##",
};

static void a_short_text_is_the_smallest_square(void **state)
{
    struct qr qr;

    (void)state;
    assert_true(qr_make(arena, STR("hello"), &qr));
    assert_int_equal(qr.size, 21);
    for (int y = 0; y < qr.size; y++)
        for (int x = 0; x < qr.size; x++) assert_int_equal(qr.dark[y * qr.size + x], hello[y][x] == '#');
}

static unsigned sum_of(const struct qr *qr)
{
    unsigned sum = 0;

    for (int i = 0; i < qr->size * qr->size; i++) sum = sum * 31 + qr->dark[i];
    return sum;
}

/* Each was read by jsQR 1.4 when its sum was written down. */
static void longer_texts_have_more_blocks_and_versions(void **state)
{
    static const struct {
        size_t len;
        int size;
        unsigned sum;
    } codes[] = {
        { 14, 21, 3368958322u },
        { 15, 25, 762992000u },
        { 106, 41, 626560214u },
        { 200, 57, 326932068u },
        { 300, 69, 686472738u },
        { 1000, 121, 1139888842u },
    };
    static const char part[] = "otpauth://totp/madang:ada%40example.org?secret=JBSWY3DPEHPK3PXP&issuer=x&";
    char text[1001];
    struct qr qr;

    (void)state;
    for (size_t i = 0; i < sizeof text - 1; i++) text[i] = part[i % (sizeof part - 1)];
    for (size_t i = 0; i < COUNT(codes); i++) {
        assert_true(qr_make(arena, (struct str){ text, codes[i].len }, &qr));
        assert_int_equal(qr.size, codes[i].size);
        assert_int_equal(sum_of(&qr), codes[i].sum);
    }
    assert_false(qr_make(arena, (struct str){ text, QR_TEXT_BYTES_MAX + 1 }, &qr));
}

static void a_path_draws_each_run_of_dark_modules(void **state)
{
    unsigned char dark[] = { 1, 1, 0, 0, 0, 1, 0, 0, 0 };
    struct qr qr = { 3, dark };

    (void)state;
    assert_true(str_is(qr_path(arena, &qr, 2), "M2 2h2v1h-2zM4 3h1v1h-1z"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_text_is_the_smallest_square),
        cmocka_unit_test(longer_texts_have_more_blocks_and_versions),
        cmocka_unit_test(a_path_draws_each_run_of_dark_modules),
    };

    return cmocka_run_group_tests_name("qr", tests, make_arena, drop_arena);
}
