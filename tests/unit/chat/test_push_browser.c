/* test_push_browser.c - what a push service's answer means, and that the longest message fits. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "libshared/wire/json.h"
#include "services/chat/push/push_private.h"

static void an_answer_has_taken_refused_ended_or_puts_off(void **state)
{
    static const struct {
        enum fetch_result result;
        int status;
        enum push_end end;
    } answers[] = {
        { FETCH_ANSWERED, 200, PUSH_posted },
        { FETCH_ANSWERED, 201, PUSH_posted },
        { FETCH_ANSWERED, 202, PUSH_posted },
        { FETCH_ANSWERED, 301, PUSH_refused },
        { FETCH_ANSWERED, 400, PUSH_refused },
        { FETCH_ANSWERED, 401, PUSH_refused },
        { FETCH_ANSWERED, 403, PUSH_refused },
        { FETCH_ANSWERED, 404, PUSH_ended },
        { FETCH_ANSWERED, 408, PUSH_ENDS },
        { FETCH_ANSWERED, 410, PUSH_ended },
        { FETCH_ANSWERED, 413, PUSH_refused },
        { FETCH_ANSWERED, 429, PUSH_ENDS },
        { FETCH_ANSWERED, 500, PUSH_ENDS },
        { FETCH_ANSWERED, 503, PUSH_ENDS },
        { FETCH_BAD_URL, 0, PUSH_refused },
        { FETCH_SCHEME_REFUSED, 0, PUSH_refused },
        { FETCH_PORT_REFUSED, 0, PUSH_refused },
        { FETCH_ADDRESS_REFUSED, 0, PUSH_refused },
        { FETCH_NOT_RESOLVED, 0, PUSH_ENDS },
        { FETCH_NOT_CONNECTED, 201, PUSH_ENDS },
        { FETCH_TLS_FAILED, 0, PUSH_ENDS },
        { FETCH_TIMEOUT, 0, PUSH_ENDS },
        { FETCH_BROKEN, 0, PUSH_ENDS },
        { FETCH_OVERLOADED, 0, PUSH_ENDS },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(answers); i++) {
        const struct fetch_answer answer = { .result = answers[i].result, .status = answers[i].status };
        if (push_answer_end(&answer) != answers[i].end)
            fail_msg("%s %d", fetch_result_code(answers[i].result), answers[i].status);
    }
}

/* Of so many characters, each of which is longest in JSON: a control character of six bytes. */
static struct str longest(struct arena *arena, int64_t chars)
{
    char *text = arena_alloc(arena, (size_t)chars);

    memset(text, 1, (size_t)chars);
    return (struct str){ text, (size_t)chars };
}

static void the_longest_message_fits_into_one_record(void **state)
{
    struct arena *arena = arena_create("test", 1u << 20);
    struct push_note note = { .seq = INT64_MAX, .thread = INT64_MAX, .at = INT64_C(253402300799999), .count = 100 };
    struct buf out = BUF(8192);

    (void)state;
    note.badge = 100;
    memset(&note.notification, 0xff, sizeof note.notification);
    memset(&note.room, 0xff, sizeof note.room);
    for (const struct wire_field *f = push_note_shape()->fields; f->name != NULL; f++)
        if (f->kind == WIRE_TEXT) *(struct str *)(void *)((char *)&note + f->at) = longest(arena, f->max);
    assert_int_equal(wire_write_json(push_note_shape(), &note, &out), OK);
    if (out.len > WEB_PUSH_TEXT_MAX) fail_msg("%zu bytes", out.len);
    assert_true(out.len > 2500); /* nothing was left out */
    buf_free(&out);
    arena_destroy(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_has_taken_refused_ended_or_puts_off),
        cmocka_unit_test(the_longest_message_fits_into_one_record),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
