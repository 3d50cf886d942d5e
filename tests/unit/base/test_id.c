/* test_id.c - ids in the order of their making, secrets, clocks. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libshared/base/clock.h"
#include "libshared/base/id.h"
#include "libshared/base/secret.h"

#define EACH 5000

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct id));
}

static void ids_rise_even_within_a_millisecond(void **state)
{
    struct id last = id_new();

    (void)state;
    for (int i = 0; i < EACH; i++) {
        struct id next = id_new();
        assert_true(by_bytes(&last, &next) < 0);
        last = next;
    }
}

static void *make_ids(void *out)
{
    struct id *ids = out;

    for (int i = 0; i < EACH; i++) ids[i] = id_new();
    return NULL;
}

static void threads_make_different_ids_each_in_order(void **state)
{
    static struct id ids[4 * EACH];
    pthread_t threads[4];

    (void)state;
    for (int t = 0; t < 4; t++) assert_int_equal(pthread_create(&threads[t], NULL, make_ids, ids + t * EACH), 0);
    for (int t = 0; t < 4; t++) pthread_join(threads[t], NULL);
    for (int i = 1; i < 4 * EACH; i++)
        if (i % EACH != 0) assert_true(by_bytes(&ids[i - 1], &ids[i]) < 0);
    qsort(ids, 4 * EACH, sizeof *ids, by_bytes);
    for (int i = 1; i < 4 * EACH; i++) assert_false(id_eq(ids[i - 1], ids[i]));
}

/* The child sends some ids; the random bits of those that its parent makes next are others. */
static void a_child_goes_on_with_other_random_bits_than_its_parent(void **state)
{
    enum { N = 20 };
    struct id theirs[N], ours[N];
    int ends[2], status = 1;

    (void)state;
    (void)id_new();
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < N; i++) theirs[i] = id_new();
        _exit(write(ends[1], theirs, sizeof theirs) == (ssize_t)sizeof theirs ? 0 : 1);
    }
    assert_true(child > 0);
    for (int i = 0; i < N; i++) ours[i] = id_new();
    assert_int_equal(read(ends[0], theirs, sizeof theirs), sizeof theirs);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) assert_memory_not_equal(theirs[i].b + 8, ours[j].b + 8, 8);
    close(ends[0]);
    close(ends[1]);
}

static void random_bits_do_not_come_round(void **state)
{
    enum { N = 1000 };
    static struct id made[N];

    (void)state;
    for (int i = 0; i < N; i++) {
        made[i] = id_new();
        for (int j = 0; j < i; j++) assert_memory_not_equal(made[i].b + 8, made[j].b + 8, 8);
    }
}

static void an_id_is_a_uuid_of_version_seven_with_the_time_in_front(void **state)
{
    int64_t before = clock_ms();
    struct id id = id_new();
    int64_t after = clock_ms(), ms = 0;

    (void)state;
    for (int i = 0; i < 6; i++) ms = ms << 8 | id.b[i];
    /* Ids made faster than the clock's grain run a little ahead of it. */
    assert_true(ms >= before && ms <= after + 20);
    assert_int_equal(id.b[6] >> 4, 7);
    assert_int_equal(id.b[8] >> 6, 2);
}

static void an_id_reads_back_from_its_text(void **state)
{
    static const char text[] = "0190a0b1-c2d3-7e4f-8a5b-6c7d8e9fa0b1";
    char out[ID_TEXT_BYTES + 1];
    struct id id;

    (void)state;
    assert_true(id_parse(STR("0190A0B1-C2D3-7E4F-8A5B-6C7D8E9FA0B1"), &id));
    id_format(id, out);
    assert_string_equal(out, text);
    assert_false(id_is_nil(id));
    assert_true(id_parse(STR("00000000-0000-0000-0000-000000000000"), &id) && id_is_nil(id));
}

static bool is_hex(int c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* What the text says, read and written in the plainest way. */
static void each_place_of_an_id_takes_what_belongs_there_and_nothing_else(void **state)
{
    static const char text[] = "0190a0b1-c2d3-7e4f-8a5b-6c7d8e9fa0b1";
    char changed[ID_TEXT_BYTES + 1], out[ID_TEXT_BYTES + 1];
    struct id id;

    (void)state;
    for (size_t at = 0; at < ID_TEXT_BYTES; at++)
        for (int c = 0; c < 256; c++) {
            memcpy(changed, text, sizeof text);
            changed[at] = (char)c;
            bool good = text[at] == '-' ? c == '-' : is_hex(c);
            assert_int_equal(id_parse((struct str){ changed, ID_TEXT_BYTES }, &id), good);
            if (!good) continue;
            changed[at] = (char)tolower(c);
            id_format(id, out);
            assert_string_equal(out, changed);
        }
    assert_true(id_parse(str_of(text), &id));
    assert_memory_equal(id.b, "\x01\x90\xa0\xb1\xc2\xd3\x7e\x4f\x8a\x5b\x6c\x7d\x8e\x9f\xa0\xb1", 16);
}

static void what_is_no_id_is_refused(void **state)
{
    static const char *const bad[] = { "", "0190a0b1c2d37e4f8a5b6c7d8e9fa0b1", "0190a0b1-c2d3-7e4f-8a5b-6c7d8e9fa0b",
        "0190a0b1-c2d3-7e4f-8a5b-6c7d8e9fa0b11", "0190a0b1-c2d3-7e4f-8a5b-6c7d8e9fa0bg",
        "0190a0b1-c2d3-7e4f-8a5b6-c7d8e9fa0b1", "{190a0b1-c2d3-7e4f-8a5b-6c7d8e9fa0b}",
        "0190a0b1_c2d3_7e4f_8a5b_6c7d8e9fa0b1" };
    struct id id = { .b = { 9 } };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(id_parse(str_of(bad[i]), &id));
    assert_int_equal(id.b[0], 9);
}

static void secrets_differ_and_are_compared_whole(void **state)
{
    char a[65], b[65];

    (void)state;
    secret_text(a, 64);
    secret_text(b, 64);
    assert_int_equal(strlen(a), 64);
    for (int i = 0; i < 64; i++) assert_true(isalnum((unsigned char)a[i]) || a[i] == '_' || a[i] == '-');
    assert_false(secret_eq(a, b, 64));
    memcpy(b, a, sizeof b);
    assert_true(secret_eq(a, b, 64));
    b[63] ^= 1;
    assert_false(secret_eq(a, b, 64));
    assert_true(secret_eq(a, b, 63));
    secret_wipe(a, 64);
    assert_int_equal(strlen(a), 0);
}

static void clocks_do_not_go_back(void **state)
{
    int64_t before = clock_mono_us();

    (void)state;
    for (int i = 0; i < 1000; i++) {
        int64_t now = clock_mono_us();
        assert_true(now >= before);
        before = now;
    }
    assert_true(clock_ms() > INT64_C(1700000000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_rise_even_within_a_millisecond),
        cmocka_unit_test(threads_make_different_ids_each_in_order),
        cmocka_unit_test(a_child_goes_on_with_other_random_bits_than_its_parent),
        cmocka_unit_test(random_bits_do_not_come_round),
        cmocka_unit_test(an_id_is_a_uuid_of_version_seven_with_the_time_in_front),
        cmocka_unit_test(an_id_reads_back_from_its_text),
        cmocka_unit_test(each_place_of_an_id_takes_what_belongs_there_and_nothing_else),
        cmocka_unit_test(what_is_no_id_is_refused),
        cmocka_unit_test(secrets_differ_and_are_compared_whole),
        cmocka_unit_test(clocks_do_not_go_back),
    };
    return cmocka_run_group_tests_name("id", tests, NULL, NULL);
}
