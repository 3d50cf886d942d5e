/* login.c - passwords against a bcrypt hash, away from the loop. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/interop/login.h"

#include <assert.h>
#include <crypt.h>
#include <pthread.h>
#include <string.h>

#include "libshared/base/arena.h"
#include "libshared/base/secret.h"
#include "libshared/rpc/loop.h"

struct attempt {
    struct login *login;
    pthread_t thread;
    char password[LOGIN_PASSWORD_MAX + 1];
    bool right;
    void (*checked)(void *arg, bool right);
    void *arg;
    struct crypt_data space; /* 32 KiB: too large for a stack */
};

struct login {
    const char *hash;
    struct loop_post *post;
    struct attempt *waiting[LOGIN_WAITING], *running[LOGIN_THREADS];
    size_t n_waiting, n_running;
    bool ending;
};

static void start_next(struct login *login);

static void answer(struct attempt *attempt, bool right)
{
    void (*checked)(void *, bool) = attempt->checked;
    void *arg = attempt->arg;

    secret_wipe(attempt, sizeof *attempt);
    mem_free(attempt);
    checked(arg, right);
}

static void forget_running(struct login *login, const struct attempt *attempt)
{
    size_t i = 0;

    while (login->running[i] != attempt) i++;
    login->running[i] = login->running[--login->n_running];
}

/* On the loop again. */
static void on_done(void *arg)
{
    struct attempt *attempt = arg;
    struct login *login = attempt->login;

    if (!login->ending) pthread_join(attempt->thread, NULL);
    forget_running(login, attempt);
    answer(attempt, attempt->right && !login->ending);
    start_next(login);
}

static void *run(void *arg)
{
    struct attempt *attempt = arg;
    const char *want = attempt->login->hash, *got = crypt_r(attempt->password, want, &attempt->space);
    size_t len = strlen(want);

    attempt->right = got != NULL && strlen(got) == len && len > 0 && want[0] == '$' && secret_eq(got, want, len);
    loop_post_run(attempt->login->post, on_done, attempt);
    return NULL;
}

static void start_next(struct login *login)
{
    if (login->n_waiting == 0 || login->n_running == LOGIN_THREADS || login->ending) return;
    struct attempt *attempt = login->waiting[0];
    memmove(login->waiting, login->waiting + 1, --login->n_waiting * sizeof *login->waiting);
    if (pthread_create(&attempt->thread, NULL, run, attempt) == 0)
        login->running[login->n_running++] = attempt;
    else
        answer(attempt, false);
}

bool login_check(struct login *login, struct str password, void (*checked)(void *arg, bool right), void *arg)
{
    if (login->n_waiting == LOGIN_WAITING) return false;
    assert(password.len <= LOGIN_PASSWORD_MAX);
    struct attempt *attempt = mem_zero(sizeof *attempt);
    attempt->login = login;
    attempt->checked = checked;
    attempt->arg = arg;
    if (password.len > 0) memcpy(attempt->password, password.at, password.len);
    login->waiting[login->n_waiting++] = attempt;
    start_next(login);
    return true;
}

struct login *login_create(struct ev_loop *loop, const char *hash)
{
    struct login *login = mem_zero(sizeof *login);

    login->hash = hash;
    login->post = loop_post_create(loop);
    return login;
}

void login_destroy(struct login **login)
{
    struct login *l = *login;

    if (l == NULL) return;
    l->ending = true;
    while (l->n_waiting > 0) answer(l->waiting[--l->n_waiting], false);
    for (size_t i = 0; i < l->n_running; i++) pthread_join(l->running[i]->thread, NULL);
    loop_post_destroy(&l->post); /* runs on_done for each */
    mem_free(l);
    *login = NULL;
}
