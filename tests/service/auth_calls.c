/* auth_calls.c - see auth_calls.h. */
// SPDX-License-Identifier: Apache-2.0
#include "tests/service/auth_calls.h"

#define METHOD RPC_ADAPTER
#include "proto/begin.def"
#include "proto/auth.def"
#include "proto/end.def"

static const struct rpc_method auth_methods[] = {
#define METHOD RPC_ROW
#include "proto/begin.def"
#include "proto/auth.def"
#include "proto/end.def"
};

#define AUTH_FILE_KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

struct settings_auth set;
struct auth auth = { .settings = &set };
struct rpc_thread on;
struct pg *pg;
struct failure failure;
struct pg *auth_calls_connect(void)
{
    return pg_create(pg_cluster_conninfo("auth"), "auth");
}

void auth_calls_open(void)
{
    on = (struct rpc_thread){ arena_create("call", 16u << 20), auth_calls_connect() };
    pg = auth_calls_connect();
    arena = arena_create("test", 256u << 20);
}

void auth_calls_start(void)
{
    char why[100];

    log_init("test", LOG_ERROR + 1);
    pg_cluster_start();
    assert_true(file_keys_take(STR(AUTH_FILE_KEY), why, sizeof why));
    set = (struct settings_auth){ .issuer = "madang-test",
        .audience = "everyone",
        .token_ttl_max_s = 3600,
        .signing_key_days = 90,
        .session_idle_days = 7,
        .session_days = 90,
        .attempt_days = 90 };
    assert_int_equal(migrate_up(pg_cluster_conninfo("auth"), "auth", "migrations/auth"), OK);
    auth_calls_open();
}

void auth_calls_stop(void)
{
    pg_destroy(&pg);
    pg_destroy(&on.pg);
    arena_destroy(&on.arena);
    arena_destroy(&arena);
    pg_cluster_run("stop");
}

enum err auth_call(const char *peer, const struct principal *who, const char *method, const struct wire_shape *in,
    const void *req, const struct wire_shape *out, void *rep)
{
    struct buf body = BUF(4u << 20), answer = BUF(4u << 20);
    struct frame_request head = { .method = str_of(method), .budget_ms = 5000, .trace = STR("t"), .who = *who };
    struct wire_error why = { 0 };

    assert_int_equal(wire_encode(in, req, &body), OK);
    enum err e =
        rpc_server_answer(auth_methods, COUNT(auth_methods), &auth, &on, &head, str_of(peer), buf_str(&body), &answer);
    struct str bytes = arena_str(arena, buf_str(&answer));
    assert_int_equal(wire_decode(e == OK ? out : failure_shape(), bytes, arena, e == OK ? rep : &failure, &why), OK);
    buf_free(&body);
    buf_free(&answer);
    return e;
}

void *some_record(const struct wire_shape *shape)
{
    struct buf bytes = BUF(1u << 20);
    struct wire_error why;
    char *record = arena_zero(arena, shape->size + 1);

    sample_put_record(shape, NULL, AS_IT_IS, &bytes);
    struct str kept = arena_str(arena, buf_str(&bytes));
    buf_free(&bytes);
    assert_int_equal(wire_decode(shape, kept, arena, record, &why), OK);
    return record;
}

int64_t count(const char *sql, const struct pg_args *args)
{
    struct policy row = { .version = -1 };

    assert_int_equal(pg_one(pg, arena, policy_shape(), &row, sql, args), OK);
    pg_rollback(pg);
    return row.version;
}

void run(const char *sql, const struct pg_args *args)
{
    assert_int_equal(pg_run(pg, arena, sql, args, NULL), OK);
    assert_int_equal(pg_commit(pg), OK);
}
