/* test_webhook.c - what signs a webhook, and what its answer means. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "libshared/fetch/webhook.h"

#define KNOWN_SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define KNOWN_ID     "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define KNOWN_BODY   "{\"test\": 2432232314}"

/* The example of the specification, as its libraries for other languages have it in their tests. */
static void what_signs_is_as_specified(void **state)
{
    (void)state;
    struct webhook_secret secrets[2];
    char one[WEBHOOK_SIGNATURES_CHARS], two[WEBHOOK_SIGNATURES_CHARS], made[WEBHOOK_SECRET_TEXT_MAX];

    assert_true(webhook_secret_read(STR(KNOWN_SECRET), &secrets[0]));
    webhook_sign(secrets, 1, STR(KNOWN_ID), 1614265330, STR(KNOWN_BODY), one);
    assert_string_equal(one, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    webhook_secret_make(made);
    assert_true(webhook_secret_read(str_of(made), &secrets[1]));
    assert_int_equal(secrets[1].len, 32);
    webhook_sign(secrets, 2, STR(KNOWN_ID), 1614265330, STR(KNOWN_BODY), two);
    assert_int_equal(strlen(two), 2 * strlen(one) + 1);
    assert_memory_equal(two, one, strlen(one));
    assert_memory_equal(two + strlen(one), " v1,", 4);
}

static void a_body_is_as_specified(void **state)
{
    (void)state;
    struct buf out = BUF(100), small = BUF(20);

    webhook_write_body(STR("contact.created"), 1614265330007, STR("{\"id\":1}"), &out);
    assert_true(str_is(buf_str(&out),
        "{\"type\":\"contact.created\",\"timestamp\":\"2021-02-25T15:02:10.007Z\",\"data\":{\"id\":1}}"));
    webhook_write_body(STR("contact.created"), 1614265330007, STR("{\"id\":1}"), &small);
    assert_true(small.over);
    buf_free(&out);
    buf_free(&small);
}

static void what_is_no_secret_is_not_read(void **state)
{
    (void)state;
    static const char *const wrong[] = { "", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2La!!!!",
        "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" };
    struct webhook_secret secret;

    for (size_t i = 0; i < COUNT(wrong); i++)
        if (webhook_secret_read(str_of(wrong[i]), &secret)) fail_msg("%s", wrong[i]);
}

static void an_answer_is_taken_gone_or_later(void **state)
{
    (void)state;
    static const struct {
        int status;
        bool is_taken, is_gone;
        const char *retry_after;
        int64_t ms;
    } answers[] = {
        { 200, true, false, "", 0 },
        { 299, true, false, "", 0 },
        { 301, false, false, "", 0 },
        { 410, false, true, "", 0 },
        { 429, false, false, "30", 30000 },
        { 502, false, false, "-1", 0 },
        { 503, false, false, "Fri, 31 Dec 2027 23:59:59 GMT", 0 },
        { 504, false, false, "99999999", 86400000 },
    };

    for (size_t i = 0; i < COUNT(answers); i++) {
        const struct fetch_answer answer = { .status = answers[i].status,
            .retry_after = str_of(answers[i].retry_after) };
        assert_int_equal(webhook_was_taken(&answer), answers[i].is_taken);
        assert_int_equal(webhook_is_gone(&answer), answers[i].is_gone);
        assert_int_equal(webhook_retry_after_ms(&answer), answers[i].ms);
    }
    const struct fetch_answer none = { .result = FETCH_TIMEOUT, .status = 200, .retry_after = STR("30") };
    assert_false(webhook_was_taken(&none));
    assert_int_equal(webhook_retry_after_ms(&none), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_signs_is_as_specified),
        cmocka_unit_test(a_body_is_as_specified),
        cmocka_unit_test(what_is_no_secret_is_not_read),
        cmocka_unit_test(an_answer_is_taken_gone_or_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
