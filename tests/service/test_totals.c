/* test_totals.c - each list with a total of its own (LIST_WITHIN), through its real handler in a running service: exactly
 * so many bytes, and one more.  The service stays up either way. */
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>

#include "libshared/wire/pack.h"
#include "tests/service/party.h"

#define RULE_LISTS    3 /* namespaces, events, rooms */
#define NAMESPACES    16
#define PATTERNS      64
#define RULE_PATTERNS (NAMESPACES + 2 * PATTERNS)

struct totals_method {
    const char *service, *name;
    const struct wire_shape *(*req)(void);
};

/* clang-format off */
#define ROW_OF(service, noun, verb, in) { service, #noun "." #verb, in##_shape },
static const struct totals_method methods[] = {
#define METHOD(noun, verb, in, out, where, repeat, callers, doc) ROW_OF("auth", noun, verb, in)
#include "proto/begin.def"
#include "proto/auth.def"
#include "proto/end.def"
#define METHOD(noun, verb, in, out, where, repeat, callers, doc) ROW_OF("chat", noun, verb, in)
#include "proto/begin.def"
#include "proto/chat.def"
#include "proto/end.def"
#define METHOD(noun, verb, in, out, where, repeat, callers, doc) ROW_OF("store", noun, verb, in)
#include "proto/begin.def"
#include "proto/store.def"
#include "proto/end.def"
#define METHOD(noun, verb, in, out, where, repeat, callers, doc) ROW_OF("share", noun, verb, in)
#include "proto/begin.def"
#include "proto/share.def"
#include "proto/end.def"
};
/* clang-format on */

static struct proc auth, chat, store;
static struct pipe *admin, *gateway, *to_store;
static struct str api_key;

/* --- rules of so many bytes, of what takes most memory when it is compiled --- */

static void put_pattern(msgpack_packer *pk, size_t len)
{
    msgpack_pack_str(pk, len);
    for (size_t i = 0; i < len; i++) msgpack_pack_str_body(pk, i % 2 ? "*" : "a", 1);
}

/* Each pattern has `len` characters, and the first `longer` of all have one more. */
static void put_patterns(msgpack_packer *pk, const char *name, size_t n, size_t len, size_t *longer)
{
    pack_text(pk, str_of(name));
    msgpack_pack_array(pk, n);
    for (size_t i = 0; i < n; i++) {
        put_pattern(pk, len + (*longer > 0));
        *longer -= *longer > 0;
    }
}

static void put_rules(struct buf *out, size_t rules, size_t len, size_t longer)
{
    msgpack_packer pk = pack_into(out);

    msgpack_pack_array(&pk, rules);
    for (size_t i = 0; i < rules; i++) {
        msgpack_pack_map(&pk, 1 + RULE_LISTS);
        pack_text(&pk, STR("effect"));
        pack_text(&pk, STR("allow"));
        put_patterns(&pk, "namespaces", NAMESPACES, len, &longer);
        put_patterns(&pk, "events", PATTERNS, len, &longer);
        put_patterns(&pk, "rooms", PATTERNS, len, &longer);
    }
}

static void put_rules_of(struct buf *out, size_t rules, size_t bytes)
{
    struct buf empty = BUF(1u << 20);
    size_t before = out->len;

    put_rules(&empty, rules, 0, 0);
    size_t chars = bytes - empty.len, patterns = rules * RULE_PATTERNS;
    assert_true(bytes > empty.len && chars / patterns < 30); /* a longer one would have a longer head */
    put_rules(out, rules, chars / patterns, chars % patterns);
    assert_int_equal(out->len - before, bytes);
    buf_free(&empty);
}

/* --- requests --- */

static struct str request_of(struct str name, struct str value, const char *list, size_t rules, size_t bytes)
{
    static struct buf out;
    out = BUF(8u << 20);
    msgpack_packer pk = pack_into(&out);

    msgpack_pack_map(&pk, 2);
    pack_text(&pk, name);
    pack_text(&pk, value);
    pack_text(&pk, str_of(list));
    put_rules_of(&out, rules, bytes);
    struct str kept = arena_str(party_arena, buf_str(&out));
    buf_free(&out);
    return kept;
}

static struct str policy_of(size_t bytes)
{
    return request_of(STR("name"), STR("large"), "rules", 16, bytes);
}

static struct str token_of(size_t bytes)
{
    return request_of(STR("api_key"), api_key, "cap", 7, bytes);
}

#define TRIAL_NAMES    "PQRST"
#define TRIAL_POLICIES (sizeof TRIAL_NAMES - 1)

/* Policies, each within its own total; trial_of has a case for each, so that all of them are compiled. */
static void put_policies(struct buf *out, size_t bytes)
{
    const size_t around = sizeof "\x82\xa4name\xa1P\xa5rules" - 1;
    msgpack_packer pk = pack_into(out);
    size_t before = out->len, rules = bytes - 1 - TRIAL_POLICIES * around;

    msgpack_pack_array(&pk, TRIAL_POLICIES);
    for (size_t i = 0; i < TRIAL_POLICIES; i++) {
        msgpack_pack_map(&pk, 2);
        pack_text(&pk, STR("name"));
        pack_text(&pk, (struct str){ &TRIAL_NAMES[i], 1 });
        pack_text(&pk, STR("rules"));
        put_rules_of(out, 16, rules / TRIAL_POLICIES + (i < rules % TRIAL_POLICIES));
    }
    assert_int_equal(out->len - before, bytes);
}

static void put_case(msgpack_packer *pk, struct str policy)
{
    msgpack_pack_map(pk, 3);
    pack_text(pk, STR("policy"));
    pack_text(pk, policy);
    pack_text(pk, STR("action"));
    pack_text(pk, STR("connect"));
    pack_text(pk, STR("expect"));
    pack_text(pk, STR("deny"));
}

static struct str trial_of(size_t bytes)
{
    struct buf out = BUF(8u << 20);
    msgpack_packer pk = pack_into(&out);

    msgpack_pack_map(&pk, 2);
    pack_text(&pk, STR("cases"));
    msgpack_pack_array(&pk, TRIAL_POLICIES);
    for (size_t i = 0; i < TRIAL_POLICIES; i++) put_case(&pk, (struct str){ &TRIAL_NAMES[i], 1 });
    pack_text(&pk, STR("policies"));
    put_policies(&out, bytes);
    struct str kept = arena_str(party_arena, buf_str(&out));
    buf_free(&out);
    return kept;
}

#define ATTACHMENTS      20
#define ATTACHMENT_BYTES (1 + 5 + 3) /* around each text: a map, `text`, the head of what has 256 bytes or more */

/* Of a room that nobody knows. */
static struct str hook_post_of(size_t bytes)
{
    struct buf out = BUF(8u << 20);
    msgpack_packer pk = pack_into(&out);
    size_t chars = bytes - 3 - ATTACHMENTS * ATTACHMENT_BYTES;

    msgpack_pack_map(&pk, 3);
    pack_text(&pk, STR("room"));
    pack_id(&pk, id_new());
    pack_text(&pk, STR("code"));
    pack_text(&pk, STR("none"));
    pack_text(&pk, STR("attachments"));
    size_t before = out.len;
    msgpack_pack_array(&pk, ATTACHMENTS);
    for (size_t i = 0; i < ATTACHMENTS; i++) {
        size_t len = chars / ATTACHMENTS + (i < chars % ATTACHMENTS);
        msgpack_pack_map(&pk, 1);
        pack_text(&pk, STR("text"));
        msgpack_pack_str(&pk, len);
        for (size_t k = 0; k < len; k++) msgpack_pack_str_body(&pk, "a", 1);
    }
    assert_int_equal(out.len - before, bytes);
    struct str kept = arena_str(party_arena, buf_str(&out));
    buf_free(&out);
    return kept;
}

/* Every list with a total has to have a line here.  `at_most`: what exactly so much is answered, and which words. */
static const struct sized {
    const char *method, *field;
    struct str (*request)(size_t bytes);
    struct pipe **from;
    enum err at_most;
    const char *words;
} sized[] = {
    { "policy.put", "rules", policy_of, &admin, OK, "" },
    { "policy.test", "policies", trial_of, &admin, OK, "" },
    { "token.issue", "cap", token_of, &gateway, ERR_TOO_LARGE, "the token would be longer" },
    { "hook.post", "attachments", hook_post_of, &to_store, ERR_NOT_FOUND, "no such hook" },
};

static const struct sized *find_sized(const char *method, const char *field)
{
    for (size_t i = 0; i < COUNT(sized); i++)
        if (strcmp(sized[i].method, method) == 0 && strcmp(sized[i].field, field) == 0) return &sized[i];
    fail_msg("%s has a total for %s, and no line in this test", method, field);
    return NULL;
}

static struct answer send_bytes(struct pipe *p, const char *method, struct str body)
{
    struct answer a = { 0 };
    struct principal who = { .sub = STR("tester"), .kind = STR("admin") };

    rpc_client_call(p->client,
        &(struct rpc_request){ .method = method, .safe = true, .budget_ms = 20000, .who = &who, .body = body },
        on_answer, &a);
    TURN_UNTIL(a.is_there, PATIENCE_MS);
    return a;
}

static void is_still_up(void)
{
    struct nothing nothing = {};
    struct policy_page page;

    assert_int_equal(ask(admin, "policy.list", "tester", nothing_shape(), &nothing, policy_page_shape(), &page), OK);
    assert_int_equal(admin->ups, 1);
    assert_int_equal(gateway->ups, 1);
    assert_int_equal(to_store->ups, 1);
    assert_int_equal(waitpid(auth.pid, NULL, WNOHANG), 0);
    assert_int_equal(waitpid(store.pid, NULL, WNOHANG), 0);
}

static void check_field(const struct totals_method *m, const struct wire_field *f)
{
    const struct sized *s = find_sized(m->name, f->name);
    struct answer most = send_bytes(*s->from, m->name, s->request((size_t)f->total));

    assert_int_equal(most.status, s->at_most);
    if (most.status != OK) assert_non_null(strstr(most.failure.message.at, s->words));
    is_still_up();

    struct answer more = send_bytes(*s->from, m->name, s->request((size_t)f->total + 1));
    assert_int_equal(more.status, ERR_TOO_LARGE);
    assert_true(str_is(more.failure.field, f->name));
    assert_non_null(strstr(more.failure.message.at, "bytes in all"));
    is_still_up();
}

static void a_list_of_exactly_its_total_is_taken_and_of_one_byte_more_is_too_large(void **state)
{
    int checked = 0;

    (void)state;
    for (size_t i = 0; i < COUNT(methods); i++)
        for (const struct wire_field *f = methods[i].req()->fields; f->name != NULL; f++) {
            if (f->total == 0) continue;
            check_field(&methods[i], f);
            checked++;
        }
    assert_int_equal(checked, COUNT(sized));
}

/* --- what once ended the process: within the bounds of each field --- */

static struct str request_of_full_rules(struct str name, struct str value, const char *list, size_t rules)
{
    struct buf out = BUF(8u << 20);
    msgpack_packer pk = pack_into(&out);

    msgpack_pack_map(&pk, 2);
    pack_text(&pk, name);
    pack_text(&pk, value);
    pack_text(&pk, str_of(list));
    put_rules(&out, rules, 128, 0);
    struct str kept = arena_str(party_arena, buf_str(&out));
    buf_free(&out);
    return kept;
}

static void full_rules_are_too_large_and_nobody_dies_of_them(void **state)
{
    (void)state;
    struct answer a = send_bytes(gateway, "token.issue", request_of_full_rules(STR("api_key"), api_key, "cap", 16));
    assert_int_equal(a.status, ERR_TOO_LARGE);
    is_still_up();
    a = send_bytes(admin, "policy.put", request_of_full_rules(STR("name"), STR("full"), "rules", 64));
    assert_int_equal(a.status, ERR_TOO_LARGE);
    is_still_up();
}

static void all_policies_together_have_a_bound_too(void **state)
{
    const size_t each = 60000;
    int n = 0;

    (void)state;
    for (enum err e = OK; e == OK; n++) {
        char name[20];
        snprintf(name, sizeof name, "large-%d", n);
        struct answer a = send_bytes(admin, "policy.put", request_of(STR("name"), str_of(name), "rules", 16, each));
        e = a.status;
        if (e == OK) continue;
        assert_int_equal(e, ERR_TOO_LARGE);
        assert_non_null(strstr(a.failure.message.at, "all policies together"));
    }
    assert_in_range(n, 10, 100);
    is_still_up();

    struct trust trust;
    struct trust_position all = { .position = 0 };
    assert_int_equal(ask(gateway, "trust.since", "", trust_position_shape(), &all, trust_shape(), &trust), OK);
    assert_true(trust.policies.len >= (size_t)n - 1);
}

static int begin(void **state)
{
    (void)state;
    party_begin();
    setenv("MADANG_AUTH_ISSUER", "test", 1);
    auth = party_start("auth", "auth", NULL);
    chat = party_start("chat", "chat", NULL);
    store = party_start("store", "store", NULL);
    to_store = pipe_open("gateway", "store", "store");
    admin = pipe_open("authctl", "auth", "auth");
    gateway = pipe_open("gateway", "auth", "auth");
    struct key_draft draft = { .name = STR("k"), .policy = STR("chat-client"), .impersonate = true };
    struct key_issued key;
    assert_int_equal(ask(admin, "key.issue", "tester", key_draft_shape(), &draft, key_issued_shape(), &key), OK);
    api_key = key.key;
    return 0;
}

static int end(void **state)
{
    (void)state;
    pipe_close(&admin);
    pipe_close(&gateway);
    pipe_close(&to_store);
    assert_int_equal(party_stop(&store), 0);
    assert_int_equal(party_stop(&chat), 0);
    assert_int_equal(party_stop(&auth), 0);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_of_exactly_its_total_is_taken_and_of_one_byte_more_is_too_large),
        cmocka_unit_test(full_rules_are_too_large_and_nobody_dies_of_them),
        cmocka_unit_test(all_policies_together_have_a_bound_too),
    };
    return cmocka_run_group_tests_name("totals", tests, begin, end);
}
