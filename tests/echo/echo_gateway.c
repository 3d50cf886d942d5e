/*
 * echo_gateway.c - a gateway for outside protocol suites: no services, and sockets that give back what they are sent.
 *
 * It has the gateway's own settings (MADANG_...), and three in its environment, which scripts/conformance chooses:
 *
 *      ECHO_NAMESPACES   those that echo, separated by commas
 *      ECHO_TOKEN=1      they want a token: auth is asked for what it trusts
 *      ECHO_MESH=1       there are other gateways: chat tells of them
 */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "services/gateway/gateway.h"
#include "tests/echo/echo_private.h"

static const char *value_of(const char *name, const char *fallback)
{
    const char *value = getenv(name);

    return value != NULL ? value : fallback;
}

static void add_features(struct gateway *gateway)
{
    struct recovery_config recovery = config_recovery(gateway->settings);

    clients_add_feature(
        gateway->clients, FEATURE_ECHO_LOG, &echo_log_feature, echo_logs_create(gateway->loop, &recovery));
    clients_add_feature(gateway->clients, FEATURE_ECHO, &echo_feature, gateway);
}

static bool is_there(const char *directory, const char *name)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    return access(path, F_OK) == 0;
}

/* API keys are issued by whoever is reached with the gateway's own CURVE key.  So a gateway that has one belongs to a stack with
 * API keys, unless scripts/conformance made that key for this and marked its directory. */
static void refuse_keys(void)
{
    const char *keys = value_of("MADANG_KEY_DIR", ".run/keys");

    if (is_there(keys, "conformance") || !is_there(keys, "gateway.key_secret")) return;
    fprintf(stderr,
        "echo for anybody can't be on in a stack with API keys, whose %s this is; see docs/conformance.md\n", keys);
    exit(2);
}

static struct settings settings;

int main(int argc, char **argv)
{
    struct eio_upper raw = echo_upper();
    bool wants_tokens = strcmp(value_of("ECHO_TOKEN", "0"), "1") == 0,
         has_mesh = strcmp(value_of("ECHO_MESH", "0"), "1") == 0;
    struct gateway_kind kind = {
        .doc = "an echo for protocol suites: Engine.IO and Socket.IO of the gateway, and nothing behind them",
        .has_service = { [SERVICE_auth] = wants_tokens, [SERVICE_chat] = has_mesh },
        .has_mesh = has_mesh,
        .wants_tokens = wants_tokens,
        .emits_any_event = true,
        .namespaces = value_of("ECHO_NAMESPACES", "/,/custom"),
        .add_features = add_features,
        .raw = &raw,
    };

    refuse_keys();
    return gateway_run(argc, argv, &kind, &settings);
}
