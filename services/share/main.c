/* main.c - the share service: what was handed over.  Owns the schema `share`. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/service/service.h"
#include "services/share/share.h"

/* clang-format off */
#define METHOD RPC_ADAPTER
#include "proto/begin.def"
#include "proto/share.def"
#include "proto/end.def"

static const struct rpc_method methods[] = {
#define METHOD RPC_ROW
#include "proto/begin.def"
#include "proto/share.def"
#include "proto/end.def"
};
/* clang-format on */

int main(int argc, char **argv)
{
    return service_main(argc, argv,
        &(struct service){
            .name = "share",
            .doc = "Keeps conversations for their owners",
            .methods = methods,
            .n_methods = COUNT(methods),
        });
}
