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

static void data_is_bounded_by_what_is_read_back(void **state)
{
    struct conversation made;
    struct buf json = BUF(1 << 20);

    (void)state;
    buf_printf(&json, "{\"n\":[1");
    for (int i = 0; i < 3300; i++) buf_printf(&json, ",1e308");
    buf_printf(&json, "]}");
    buf_add_char(&json, '\0');
    assert_int_equal(keep("alice", json.at, NULL, &made), OK);
    json.len -= 3;
    for (int i = 0; i < 200; i++) buf_printf(&json, ",1e-308");
    buf_printf(&json, "]}");
    buf_add_char(&json, '\0');
    assert_int_equal(keep("alice", json.at, NULL, &made), ERR_TOO_LARGE);
    assert_true(str_is(last_failure.field, "data"));
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

static struct usage_page usage_of(const char *subject)
{
    struct pipe *authctl = pipe_open("authctl", "share", "share");
    struct usage_page page = { 0 };

    assert_int_equal(ask(authctl, "conversation.usage", "admin", usage_query_shape(),
                         &(struct usage_query){ str_of(subject) }, usage_page_shape(), &page),
        OK);
    pipe_close(&authctl);
    return page;
}

/* As many at once as there may be, and 100 more; each of them is asked with the same quota. */
static size_t keep_at_once(const char *owner, size_t n, const struct quota_limit *limit, struct answer *answers)
{
    struct conversation_draft draft = draft_of("{\"a\":1}", NULL);
    struct buf body = BUF(8u << 10);
    struct quota_limit limits = *limit;
    struct principal who = { .sub = str_of(owner), .kind = STR("token"), .quotas = { &limits, 1 } };
    size_t kept = 0;

    assert_int_equal(wire_encode(conversation_draft_shape(), &draft, &body), OK);
    memset(answers, 0, n * sizeof *answers);
    for (size_t i = 0; i < n; i++)
        rpc_client_call(share->client,
            &(struct rpc_request){ .method = "conversation.create",
                .safe = true,
                .budget_ms = 10000,
                .who = &who,
                .body = buf_str(&body) },
            on_answer, &answers[i]);
    for (size_t i = 0; i < n; i++) {
        TURN_UNTIL(answers[i].is_there, PATIENCE_MS);
        kept += answers[i].status == OK;
    }
    buf_free(&body);
    return kept;
}

static void a_hundred_at_once_do_not_pass_the_quota(void **state)
{
    static struct answer answers[100];
    struct failure *refusal = NULL;

    (void)state;
    assert_int_equal(keep_at_once("carl", 100, &(struct quota_limit){ STR("conversations"), 37 }, answers), 37);
    for (size_t i = 0; i < 100; i++) {
        if (answers[i].status == OK) continue;
        assert_int_equal(answers[i].status, ERR_QUOTA_EXCEEDED);
        refusal = &answers[i].failure;
    }
    assert_true(str_is(refusal->quota, "conversations"));
    assert_int_equal(refusal->limit, 37);
    assert_int_equal(refusal->used, 37);
    assert_int_equal(keep_at_once("dora", 5, &(struct quota_limit){ STR("conversations"), 37 }, answers), 5);
    struct usage_page page = usage_of("carl");
    assert_int_equal(page.usages.len, 2);
    assert_true(str_is(page.usages.at[1].quota, "conversations"));
    assert_int_equal(page.usages.at[1].used, 37);
    assert_int_equal(page.usages.at[0].used, 37 * 4); /* {"a":1} as msgpack */
}

static void bytes_are_counted_and_what_was_refused_is_not(void **state)
{
    static struct answer answers[20];

    (void)state;
    assert_int_equal(keep_at_once("emil", 20, &(struct quota_limit){ STR("conversation_bytes"), 30 }, answers), 7);
    struct usage_page page = usage_of("emil");
    assert_int_equal(page.usages.at[0].used, 28);
    assert_int_equal(page.usages.at[1].used, 7);
    assert_int_equal(keep_at_once("emil", 1, &(struct quota_limit){ STR("conversation_bytes"), 0 }, answers), 0);
}

static void a_repeat_is_counted_once(void **state)
{
    struct conversation kept;

    (void)state;
    for (int i = 0; i < 5; i++) assert_int_equal(keep("fritz", "{\"a\":1}", "key-00009", &kept), OK);
    assert_int_equal(usage_of("fritz").usages.at[1].used, 1);
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
        cmocka_unit_test(data_is_bounded_by_what_is_read_back),
        cmocka_unit_test(only_objects_are_kept_and_only_for_somebody),
        cmocka_unit_test(a_hundred_at_once_do_not_pass_the_quota),
        cmocka_unit_test(bytes_are_counted_and_what_was_refused_is_not),
        cmocka_unit_test(a_repeat_is_counted_once),
    };

    return cmocka_run_group_tests(tests, begin, NULL);
}
