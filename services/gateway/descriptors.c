/* descriptors.c - as many descriptors as the connections need that settings allow. */
// SPDX-License-Identifier: Apache-2.0
#include <sys/resource.h>

#include "libshared/base/log.h"
#include "libshared/service/settings.h"
#include "services/gateway/gateway.h"

/* Descriptors besides the clients' connections. */
#define OTHER_DESCRIPTORS 512

/* libwebsockets makes room for as many descriptors as the limit says: no more than we want to use. */
void descriptors_limit(void)
{
    struct rlimit limit;
    rlim_t wanted = (rlim_t)settings.gateway.connections_max + OTHER_DESCRIPTORS;

    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur < wanted)
        LOG(WARN, "listener.few_descriptors", F_INT("wanted", wanted), F_INT("limit", limit.rlim_cur));
}
