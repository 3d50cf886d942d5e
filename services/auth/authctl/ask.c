/* ask.c - one question to a service, auth as a rule,, and what to say when it does not answer as hoped. */
// SPDX-License-Identifier: Apache-2.0
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "libshared/rpc/rpc_client.h"
#include "libshared/service/settings.h"
#include "services/auth/authctl/authctl.h"

/* Who is at the keyboard, for the audit. */
static struct str operator_name(void)
{
    const struct passwd *user = getpwuid(getuid());

    return user ? arena_printf(arena, "admin:%s", user->pw_name) : arena_printf(arena, "admin:uid-%d", (int)getuid());
}

static int exit_status(enum err e)
{
    switch (e) {
    case OK: return EXIT_OK;
    case ERR_UNAVAILABLE:
    case ERR_DEADLINE:
    case ERR_OVERLOADED:
    case ERR_SHUTTING_DOWN: return EXIT_UNREACHABLE;
    default: return EXIT_REFUSED;
    }
}

static void say_why(enum err e, struct str body)
{
    struct failure failure;
    struct buf json = BUF(65536);

    rpc_failure_read(body, arena, &failure);
    if (as_json && wire_to_json(failure_shape(), body, &json) == OK) printf("%.*s\n", STR_ARG(buf_str(&json)));
    fprintf(stderr, "authctl: %s: %.*s\n", err_code(e), STR_ARG(failure.message));
    buf_free(&json);
}

static void print_json(const struct wire_shape *shape, struct str bytes)
{
    struct buf json = BUF(64u << 20);

    if (wire_to_json(shape, bytes, &json) == OK) printf("%.*s\n", STR_ARG(buf_str(&json)));
    buf_free(&json);
}

static int ask_service(const char *service, const struct question *question, struct str body, void *rep, bool quiet)
{
    struct principal who = { .sub = operator_name(), .kind = STR("admin") };
    struct wire_error why = { 0 };
    struct str reply = STR_NONE;

    settings_load();
    struct rpc_client_config config = { .self = "authctl",
        .service = service,
        .endpoint = settings_url(str_of(service)),
        .key_dir = settings.common.key_dir,
        .pending_max = 1 };
    struct rpc_request request = { .method = question->method,
        .safe = question->safe,
        .budget_ms = settings.common.call_budget_ms,
        .trace = arena_printf(arena, "authctl-%d", (int)getpid()),
        .who = &who,
        .body = body };

    enum err e = rpc_client_ask(&config, &request, arena, &reply);
    if (e != OK) {
        say_why(e, reply);
        return exit_status(e);
    }
    if (as_json && !quiet) print_json(question->out(), reply);
    if (wire_decode(question->out(), reply, arena, rep, &why) == OK) return EXIT_OK;
    fprintf(stderr, "authctl: the reply is not understood: %s\n", why.text);
    return EXIT_REFUSED;
}

int ask_bytes(const struct question *question, struct str body, void *rep)
{
    return ask_service("auth", question, body, rep, false);
}

static int ask_record(const char *service, const struct question *question, const void *req, void *rep, bool quiet)
{
    struct buf body = BUF(4u << 20);

    if (wire_encode(question->in(), req, &body) != OK) {
        fprintf(stderr, "authctl: a value is longer or larger than it may be\n");
        buf_free(&body);
        return EXIT_USAGE;
    }
    int status = ask_service(service, question, buf_str(&body), rep, quiet);
    buf_free(&body);
    return status;
}

int ask(const struct question *question, const void *req, void *rep)
{
    return ask_record("auth", question, req, rep, false);
}

int ask_quietly(const char *service, const struct question *question, const void *req, void *rep)
{
    return ask_record(service, question, req, rep, true);
}
