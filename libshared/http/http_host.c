/* http_host.c - by which name we are called. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <strings.h>

#include "libshared/http/http_private.h"

static bool is_host(struct str host, struct str name)
{
    return name.len > 0 && host.len == name.len && strncasecmp(host.at, name.at, name.len) == 0;
}

static struct str without_port(struct str host)
{
    const char *colon = host.len > 0 ? memrchr(host.at, ':', host.len) : NULL;
    bool in_brackets = colon != NULL && memchr(colon, ']', (size_t)(host.at + host.len - colon)) != NULL;
    return colon == NULL || in_brackets ? host : (struct str){ host.at, (size_t)(colon - host.at) };
}

bool http_host_is_ours(struct http *http)
{
    const struct http_server_config *config = &http->conn->server->config;
    struct str host = without_port(http_header(http, "host")), names;
    if (config->hosts == NULL || config->hosts[0] == '\0') return true;
    if (str_starts(http->head.path, ACME_PATH)) return true;
    if (config->any_host != NULL && str_is(http->head.path, config->any_host)) return true;
    const char *own = config->own_origin != NULL ? strstr(config->own_origin, "://") : NULL;
    if (own != NULL && is_host(host, without_port(str_of(own + 3)))) return true;
    for (names = str_of(config->hosts); names.len > 0;)
        if (is_host(host, str_trim(str_cut(&names, ',')))) return true;
    return false;
}
