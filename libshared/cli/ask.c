/* ask.c - one question to a service, and what to say when it does not answer as hoped. */
// SPDX-License-Identifier: Apache-2.0
#include <pwd.h>
#include <unistd.h>

#include "libshared/rpc/rpc_client.h"
#include "libshared/service/settings.h"
#include "libshared/cli/cli.h"

static struct settings settings;

/* clang-format off */
#define ASK_SAFE true
#define ASK_ONCE false
#define METHOD(noun, verb, in_, out_, where, repeat, callers, doc)       \
    const struct asked_method ASK_NAME(OWNER_NAME, noun, verb) = {           \
        OWNER, #noun "." #verb, ASK_##repeat, in_##_shape, out_##_shape };
#include "proto/all.def"
/* clang-format on */

/* The person at the keyboard, for the audit. */
static struct str operator_name(void)
{
    const struct passwd *user = getpwuid(getuid());

    return user ? arena_printf(arena, "admin:%s", user->pw_name) : arena_printf(arena, "admin:uid-%d", (int)getuid());
}

static int exit_status(enum err e)
{
    switch ((int)e) {
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
    fprintf(stderr, "%s: %s: %s\n", program.name, err_code(e), shown_text(failure.message));
    buf_free(&json);
}

static int ask_service(const struct asked_method *method, struct str body, void *rep)
{
    struct principal who = { .sub = operator_name(), .kind = STR("admin") };
    struct wire_error why = { 0 };
    struct str reply = STR_NONE;

    settings_load(&settings);
    const struct endpoint_list *endpoints = settings_endpoints(&settings, str_of(method->service));
    size_t part = 0;
    (void)part_of_request(body, endpoints->n, &part); /* of what names no room, the first */
    struct rpc_client_config config = { .self = program.name,
        .service = method->service,
        .endpoint = endpoints->at[part],
        .key_dir = settings.common.key_dir,
        .pending_max = 1 };
    struct rpc_request request = { .method = method->method,
        .safe = method->safe,
        .budget_ms = settings.common.call_budget_ms,
        .trace = arena_printf(arena, "%s-%d", program.name, (int)getpid()),
        .who = &who,
        .body = body };

    enum err e = rpc_client_ask(&config, &request, arena, &reply);
    if (e != OK) {
        say_why(e, reply);
        return exit_status(e);
    }
    if (wire_decode(method->out(), reply, arena, rep, &why) == OK) return EXIT_OK;
    fprintf(stderr, "%s: the reply is not understood: %s\n", program.name, why.text);
    return EXIT_REFUSED;
}

int call_method(const struct asked_method *method, const void *req, void *rep)
{
    struct buf body = BUF(16u << 20);

    if (wire_encode(method->in(), req, &body) != OK) {
        fprintf(stderr, "%s: a value is longer or larger than it may be\n", program.name);
        buf_free(&body);
        return EXIT_USAGE;
    }
    int status = ask_service(method, buf_str(&body), rep);
    buf_free(&body);
    return status;
}
