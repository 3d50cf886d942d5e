/* outwards.c - one rule for all services of an installation: MADANG_FETCH_... */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/service/outwards.h"

#include <assert.h>
#include <string.h>

#include "libshared/service/settings.h"

#define RUNNING_MAX 32
#define WAITING_MAX 1000
#define HOST_MAX    8 /* of the running ones: a slow server of somebody's leaves others their turn */

struct fetcher *outwards_create(struct ev_loop *loop, const struct settings_common *s)
{
    struct fetcher_config config = {
        .user_agent = "Madang",
        .ca_file = *s->fetch_ca != '\0' ? s->fetch_ca : NULL,
        .inside = s->fetch_inside,
        .plain = s->fetch_plain,
        .running_max = RUNNING_MAX,
        .waiting_max = WAITING_MAX,
        .host_max = HOST_MAX,
    };

    static_assert(sizeof config.ports == sizeof s->fetch_ports.at, "as many ports");
    memcpy(config.ports, s->fetch_ports.at, sizeof config.ports);
    return fetcher_create(loop, &config);
}
