/*
 * rpc.c - calls any method of a running service from a shell.
 *
 *      rpc                                          lists all methods
 *      rpc store log.heads '{"rooms":["018f..."]}'  calls one; prints the reply as JSON
 *      rpc -u alice -t 2000 chat room.list          as a user, with 2 s of time
 *      rpc chat ping                                does it answer?
 *
 * It has the certificate `operator`, which services let call everything.  Settings (MADANG_KEY_DIR, MADANG_STORE_URL...)
 * are those of the services.  Exit status: 0 the reply, 1 an error reply (on standard error), 2 wrong use.
 */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libshared/base/log.h"
#include "libshared/rpc/rpc_client.h"
#include "libshared/service/settings.h"

#define JSON_MAX (16u << 20)
#define USAGE    "usage: rpc [-u SUBJECT] [-t MILLISECONDS] SERVICE METHOD [JSON]\n"

static struct settings settings;

struct callable {
    const char *service, *name, *doc;
    const struct wire_shape *(*req)(void), *(*rep)(void);
};

/* clang-format off */
static const struct callable METHODS[] = {
#define METHOD(noun, verb, in, out, where, repeat, callers, doc_) \
    { .service = OWNER, .name = #noun "." #verb, .doc = doc_, .req = in##_shape, .rep = out##_shape },
#include "proto/all.def"
};
/* clang-format on */

static const struct callable PING = { .name = "ping", .req = nothing_shape, .rep = nothing_shape };

static void list_methods(void)
{
    for (size_t i = 0; i < COUNT(METHODS); i++) {
        const struct callable *m = &METHODS[i];
        if (settings_endpoints(&settings, str_of(m->service)) == NULL)
            continue; /* the gateways' own, which only gateways may call */
        printf("%-6s %-22s %s -> %s\n       %s\n", m->service, m->name, m->req()->name, m->rep()->name, m->doc);
    }
}

static const struct callable *find_method(const char *service, const char *name)
{
    if (strcmp(name, "ping") == 0) return &PING;
    for (size_t i = 0; i < COUNT(METHODS); i++)
        if (strcmp(METHODS[i].service, service) == 0 && strcmp(METHODS[i].name, name) == 0) return &METHODS[i];
    fprintf(stderr, "%s has no method %s; `rpc` alone lists them\n", service, name);
    exit(2);
}

/* Of what names no room, the first. */
static const char *endpoint_for(const char *service, struct str body)
{
    const struct endpoint_list *list = settings_endpoints(&settings, str_of(service));
    size_t part = 0;

    if (list != NULL) (void)part_of_request(body, list->n, &part);
    if (list != NULL) return list->at[part];
    fprintf(stderr, "%s: no such service\n", service);
    exit(2);
}

static void encode_request(const struct callable *method, const char *json, struct buf *out)
{
    struct wire_error why = { .field = "" };
    enum err e = wire_from_json(method->req(), str_of(json), out, &why);
    if (e == OK) return;
    fprintf(stderr, "%s: %s: %s\n", method->req()->name, err_code(e), why.text);
    exit(2);
}

static int print_record(const struct wire_shape *shape, struct str body, FILE *to)
{
    struct buf json = BUF(JSON_MAX * 2);
    enum err e = wire_to_json(shape, body, &json);
    fprintf(to, "%.*s\n", STR_ARG(buf_str(&json)));
    buf_free(&json);
    return e == OK ? 0 : 1;
}

static int call_method(
    const char *service, const struct callable *method, const char *json, const char *user, int64_t budget_ms)
{
    /* bound: one answer; the decoder asks */
    struct arena *arena = arena_create("rpc", 256u << 20);
    struct buf body = BUF(JSON_MAX);
    struct str out;
    struct principal who = { .sub = str_of(user), .kind = STR("admin") };
    encode_request(method, json, &body);
    struct rpc_client_config config = {
        .self = "operator",
        .service = service,
        .endpoint = endpoint_for(service, buf_str(&body)),
        .key_dir = settings.common.key_dir,
        .pending_max = 10,
    };
    struct rpc_request request = {
        .method = method->name,
        .safe = false,
        .budget_ms = budget_ms,
        .trace = STR("operator"),
        .who = &who,
        .body = buf_str(&body),
    };
    enum err e = rpc_client_ask(&config, &request, arena, &out);
    int status = e == OK ? print_record(method->rep(), out, stdout) : (print_record(failure_shape(), out, stderr), 1);
    buf_free(&body);
    arena_destroy(&arena);
    return status;
}

static int wrong_use(void)
{
    fprintf(stderr, USAGE);
    return 2;
}

static int print_help(void)
{
    printf("rpc - calls any method of a running service\n\n" USAGE
           "Without arguments it lists all methods. Settings are those of the services (MADANG_KEY_DIR, "
           "MADANG_STORE_URL...);\n"
           "exit status 0: the reply, 1: an error reply, on standard error, 2: wrong use.\n");
    return 0;
}

int main(int argc, char **argv)
{
    const char *user = "operator";
    int64_t budget_ms = 5000;
    int option;
    if (argc == 2 && strcmp(argv[1], "--help") == 0) return print_help();
    while ((option = getopt(argc, argv, "u:t:")) != -1) {
        if (option == 'u')
            user = optarg;
        else if (option != 't' || !str_to_int(str_of(optarg), &budget_ms) || budget_ms < 1 || budget_ms > 60000)
            return wrong_use();
    }
    if (argc == optind) {
        list_methods();
        return 0;
    }
    if (argc - optind < 2 || argc - optind > 3) return wrong_use();
    settings_load(&settings);
    log_init("rpc", LOG_ERROR);
    const struct callable *method = find_method(argv[optind], argv[optind + 1]);
    return call_method(argv[optind], method, argc - optind == 3 ? argv[optind + 2] : "{}", user, budget_ms);
}
