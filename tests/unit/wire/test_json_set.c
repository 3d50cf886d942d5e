/* test_json_set.c - the member that is set is there once, and all else as it was. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "libshared/base/err.h"
#include "libshared/wire/event_names.h"
#include "libshared/wire/json_set.h"

static const struct {
    const char *object, *result;
} cases[] = {
    { "{}", "{\"sender\":\"ada\"}" },
    { "{ }", "{\"sender\":\"ada\"}" },
    { "{\"a\":1}", "{\"sender\":\"ada\",\"a\":1}" },
    { "{\"sender\":\"bo\"}", "{\"sender\":\"ada\"}" },
    { "{\"sender\":\"bo\",\"a\":1,\"sender\":2}", "{\"sender\":\"ada\",\"a\":1}" },
    { "{ \"a\" : [1, {\"sender\":\"bo\"}] , \"b\":\"}\"}",
        "{\"sender\":\"ada\",\"a\" : [1, {\"sender\":\"bo\"}],\"b\":\"}\"}" },
    { "{\"s\\u0065nder\":{\"x\":[]},\"\\u0073\\u0065\\u006e\\u0064\\u0065\\u0072\":0,\"Sender\":1}",
        "{\"sender\":\"ada\",\"Sender\":1}" },
    { "{\"send\\ud800er\":1}", "{\"sender\":\"ada\",\"send\\ud800er\":1}" },
    { "{\"sender\\u0000\":1}", "{\"sender\":\"ada\",\"sender\\u0000\":1}" },
    { "{\"sender\" \n:\t[\"\\\"]\", {\"a\":\"\\\\\"}],\"z\":1e131071}", "{\"sender\":\"ada\",\"z\":1e131071}" },
    { "{\"sender\":{\"_placeholder\":true,\"num\":0},\"b\":{\"_placeholder\":true,\"num\":1}}",
        "{\"sender\":\"ada\",\"b\":{\"_placeholder\":true,\"num\":1}}" },
};

static void a_member_is_set_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf out = BUF(1000);
        assert_true(json_set_text(str_of(cases[i].object), "sender", STR("ada"), &out));
        if (!str_is(buf_str(&out), cases[i].result)) fail_msg("%s: %.*s", cases[i].object, STR_ARG(buf_str(&out)));
        buf_free(&out);
    }
}

static void a_text_is_escaped(void **state)
{
    (void)state;
    struct buf out = BUF(1000);

    assert_true(json_set_text(STR("{}"), "sender", STR("a\"\\b"), &out));
    assert_true(str_is(buf_str(&out), "{\"sender\":\"a\\\"\\\\b\"}"));
    buf_free(&out);
}

static void what_is_no_object_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = { "", "{", "[]", "1", "\"{}\"", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":\"x",
        "{\"a\":{\"b\":1}", "{\"a", "{a:1}", "{\"a\":1," };

    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct buf out = BUF(1000);
        if (json_set_text(str_of(wrong[i]), "sender", STR("ada"), &out)) fail_msg("%s", wrong[i]);
        buf_free(&out);
    }
}

static void names_of_ours_are_ours_in_any_letters(void **state)
{
    (void)state;
    static const char *const ours[] = { "message", "Message", "MESSAGE:SEND", "message:anything", "message:", "entry",
        "Entry:x", "room:removed", "room:x", "ROOM", "token:expiring", "server:closing", "recovery:off", "error",
        "error:x", "connect", "Connect", "disconnect", "newListener", "auth:refresh", "auth", "read:mark", "member:add",
        "conversation:x", "message ", "message :x", " message" };
    static const char *const unseen[] = { "me\xe2\x80\x8bssage", "x\n", "", " x" };
    static const char *const free_names[] = { "typing", "typing:start", "cursor", "cursor:move", "app:message",
        "order:ready", "messages", "a message", "roomy", "\xd0\xbf\xd0\xb5\xd1\x87\xd0\xb0\xd1\x82\xd1\x8c", "7",
        "errors" };
    char longest[130];

    for (size_t i = 0; i < COUNT(ours); i++)
        if (!event_is_ours(str_of(ours[i])) || event_is_free(str_of(ours[i]))) fail_msg("%s is not ours", ours[i]);
    for (size_t i = 0; i < COUNT(unseen); i++)
        if (event_is_ours(str_of(unseen[i])) || event_is_free(str_of(unseen[i]))) fail_msg("%zu is free", i);
    for (size_t i = 0; i < COUNT(free_names); i++)
        if (!event_is_free(str_of(free_names[i]))) fail_msg("%s is ours", free_names[i]);
    memset(longest, 'x', sizeof longest);
    assert_true(event_is_free((struct str){ longest, EVENT_CHARS_MAX }));
    assert_false(event_is_free((struct str){ longest, EVENT_CHARS_MAX + 1 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_is_set_once),
        cmocka_unit_test(a_text_is_escaped),
        cmocka_unit_test(what_is_no_object_is_refused),
        cmocka_unit_test(names_of_ours_are_ours_in_any_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
