/* test_share.c - conversations, through a real process on a real database. */
// SPDX-License-Identifier: Apache-2.0
#include "tests/service/party.h"

static struct pipe *share;

static struct conversation_draft draft_of(const char *json, const char *key)
{
    static struct buf data = BUF(1 << 20);

    buf_clear(&data);
    assert_int_equal(wire_any_from_json(str_of(json), &data), OK);
    return (struct conversation_draft){ .name = STR("tea"), .data = buf_str(&data), .client_key = str_of(key) };
}

static enum err keep(const char *owner, const char *json, const char *key, struct conversation *out)
{
    struct conversation_draft draft = draft_of(json, key);

    return ask(share, "conversation.create", owner, conversation_draft_shape(), &draft, conversation_shape(), out);
}

static enum err get(const char *owner, struct id id, struct conversation *out)
{
    return ask(share, "conversation.get", owner, conversation_ref_shape(), &(struct conversation_ref){ id },
        conversation_shape(), out);
}

static void the_same_key_keeps_one_conversation(void **state)
{
    struct conversation first, again, other;

    (void)state;
    assert_int_equal(keep("alice", "{\"a\":1}", "key-00001", &first), OK);
    assert_int_equal(keep("alice", "{\"a\":2}", "key-00001", &again), OK);
    assert_true(id_eq(first.id, again.id));
    assert_int_equal(keep("bob", "{\"a\":1}", "key-00001", &other), OK);
    assert_false(id_eq(first.id, other.id));
    assert_int_equal(keep("alice", "{\"a\":1}", NULL, &other), OK);
    assert_false(id_eq(first.id, other.id));
}

static void another_s_conversation_is_not_found(void **state)
{
    struct conversation made, got;

    (void)state;
    assert_int_equal(keep("alice", "{\"a\":[1,null,\"\u00fc\"]}", NULL, &made), OK);
    assert_int_equal(get("alice", made.id, &got), OK);
    assert_true(str_eq(got.data, made.data));
    assert_int_equal(get("bob", made.id, &got), ERR_NOT_FOUND);
    assert_int_equal(get("alice", id_new(), &got), ERR_NOT_FOUND);
}

/* jsonb prints 1e300 with 301 digits: more than any integer of ours holds. */
static void numbers_of_any_size_come_back(void **state)
{
    struct conversation made, got;
    struct buf json = BUF(1 << 16);

    (void)state;
    assert_int_equal(keep("alice", "{\"n\":[1e300,-1e300,1e-300,0.5]}", NULL, &made), OK);
    assert_int_equal(get("alice", made.id, &got), OK);
    assert_int_equal(wire_any_to_json(got.data, &json), OK);
    buf_add_char(&json, '\0');
    assert_non_null(strstr(json.at, "1e+300"));
    buf_free(&json);
}

static void only_objects_are_kept_and_only_for_somebody(void **state)
{
    struct conversation made;

    (void)state;
    assert_int_equal(keep("alice", "[1]", NULL, &made), ERR_INVALID_ARGUMENT);
    assert_true(str_is(last_failure.field, "data"));
    assert_int_equal(keep("", "{}", NULL, &made), ERR_UNAUTHENTICATED);
}

static int begin(void **state)
{
    (void)state;
    party_begin();
    party_start("share", "share", NULL);
    share = pipe_open("gateway", "share", "share");
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_key_keeps_one_conversation),
        cmocka_unit_test(another_s_conversation_is_not_found),
        cmocka_unit_test(numbers_of_any_size_come_back),
        cmocka_unit_test(only_objects_are_kept_and_only_for_somebody),
    };

    return cmocka_run_group_tests(tests, begin, NULL);
}
