/* login.c - passwords against a bcrypt hash, away from the loop. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/interop/login.h"

#include <assert.h>
#include <crypt.h>
#include <string.h>

#include "libshared/base/arena.h"
#include "libshared/base/container_of.h"
#include "libshared/base/network.h"
#include "libshared/base/secret.h"
#include "libshared/rpc/rpc_pool.h"

struct login {
    const char *hash;
    struct loop_post *post;
    struct rpc_pool *pool;
    bool ending;
};

struct login_attempt {
    struct rpc_task task;
    struct login *login;
    char password[LOGIN_PASSWORD_MAX + 1];
    enum err e;
    login_checked_fn *checked;
    void *arg;
    struct crypt_data space; /* 32 KiB: too large for a stack */
};

static void answer_attempt(void *arg)
{
    struct login_attempt *attempt = arg;
    login_checked_fn *checked = attempt->checked;
    void *checked_arg = attempt->arg;
    enum err e = attempt->login->ending ? ERR_SHUTTING_DOWN : attempt->e;

    secret_wipe(attempt, sizeof *attempt);
    mem_free(attempt);
    checked(checked_arg, e);
}

static bool fits_hash(const char *want, const char *got)
{
    size_t len = strlen(want);

    return got != NULL && strlen(got) == len && len > 0 && want[0] == '$' && secret_eq(got, want, len);
}

static void run_attempt(struct rpc_task *task, struct pg *pg)
{
    struct login_attempt *attempt = CONTAINER_OF(task, struct login_attempt, task);
    const char *want = attempt->login->hash;

    (void)pg;
    bool right = fits_hash(want, crypt_r(attempt->password, want, &attempt->space));
    attempt->e = right ? OK : ERR_UNAUTHENTICATED;
    loop_post_run(attempt->login->post, answer_attempt, attempt);
}

static void drop_attempt(struct rpc_task *task, enum err why)
{
    struct login_attempt *attempt = CONTAINER_OF(task, struct login_attempt, task);

    attempt->e = why;
    answer_attempt(attempt);
}

void login_check(struct login *login, struct str address, struct str password, login_checked_fn *checked, void *arg)
{
    char block[INET6_ADDRSTRLEN];

    assert(password.len <= LOGIN_PASSWORD_MAX);
    struct login_attempt *attempt = mem_zero(sizeof *attempt);

    attempt->task = (struct rpc_task){ .run = run_attempt, .drop = drop_attempt, .what = STR("password") };
    attempt->login = login;
    attempt->checked = checked;
    attempt->arg = arg;
    if (password.len > 0) memcpy(attempt->password, password.at, password.len);
    struct str who = address_block_name(address, block);
    if (!rpc_pool_put(login->pool, &attempt->task, who)) drop_attempt(&attempt->task, ERR_OVERLOADED);
}

struct login *login_create(struct ev_loop *loop, const char *hash)
{
    struct login *login = mem_zero(sizeof *login);

    login->hash = hash;
    login->post = loop_post_create(loop);
    login->pool = rpc_pool_create(
        &(struct rpc_pool_config){ .name = "password", .threads = LOGIN_THREADS, .queue_max = LOGIN_WAITING },
        login->post);
    return login;
}

void login_destroy(struct login **login)
{
    struct login *l = *login;

    if (l == NULL) return;
    l->ending = true;
    rpc_pool_destroy(&l->pool);
    loop_post_destroy(&l->post); /* answers what has run */
    mem_free(l);
    *login = NULL;
}
