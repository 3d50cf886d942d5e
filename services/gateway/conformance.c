/* conformance.c - echo for anybody, and keys that open something, are never together. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "services/gateway/gateway.h"

static bool is_there(const char *directory, const char *name)
{
    char path[512];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    return access(path, F_OK) == 0;
}

/*
 * Who issues API keys is reached with the gateway's own CURVE key, and by no other way.  So a gateway that has one
 * belongs to a stack with API keys, unless scripts/conformance made that key for this and marked its directory.
 */
void conformance_check(const struct settings *from)
{
    const char *keys = from->common.key_dir;

    if (!from->gateway.conformance || is_there(keys, "conformance") || !is_there(keys, "gateway.key_secret")) return;
    fprintf(stderr,
        "MADANG_GATEWAY_CONFORMANCE: can't be on in a stack with API keys, whose %s this is; see docs/conformance.md\n",
        keys);
    exit(2);
}
