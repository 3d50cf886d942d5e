/*
 * peer_calls.c - tries every method of one service with one peer's certificate.
 *
 *      peer_calls PEER SERVICE ENDPOINT KEY_DIR MILLISECONDS       prints METHOD and code, a line for each
 *
 * The body is no record, so that what the certificate may call is refused one step later, and nothing is done.
 */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <string.h>

#include "libshared/base/log.h"
#include "libshared/rpc/rpc_client.h"

struct peer_method {
    const char *service, *name;
};

/* clang-format off */
static const struct peer_method METHODS[] = {
#define METHOD(noun, verb, in, out, where, repeat, callers, doc) { OWNER, #noun "." #verb },
#include "proto/all.def"
};
/* clang-format on */

static enum err call(const struct rpc_client_config *config, const char *method, int64_t budget_ms)
{
    /* bound: a failure has no lists */
    struct arena *arena = arena_create("peer_calls", 1u << 20);
    struct principal who = { .sub = STR("somebody"), .kind = STR("service") };
    struct str out;
    enum err e = rpc_client_ask(config,
        &(struct rpc_request){
            .method = method, .budget_ms = budget_ms, .trace = STR("peer_calls"), .who = &who, .body = STR("\x01") },
        arena, &out);

    arena_destroy(&arena);
    return e;
}

int main(int argc, char **argv)
{
    int64_t budget_ms;

    if (argc != 6 || !str_to_int(str_of(argv[5]), &budget_ms) || budget_ms < 1 || budget_ms > 60000) {
        fprintf(stderr, "usage: peer_calls PEER SERVICE ENDPOINT KEY_DIR MILLISECONDS\n");
        return 2;
    }
    log_init("peer_calls", LOG_ERROR);
    struct rpc_client_config config = { .self = argv[1], .service = argv[2], .endpoint = argv[3], .key_dir = argv[4] };
    for (size_t i = 0; i < COUNT(METHODS); i++)
        if (strcmp(METHODS[i].service, argv[2]) == 0)
            printf("%s %s\n", METHODS[i].name, err_code(call(&config, METHODS[i].name, budget_ms)));
    return 0;
}
