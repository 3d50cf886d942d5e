/* endpoint.c - the form of an endpoint that comes from outside. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/rpc/endpoint.h"

#include <ctype.h>
#include <string.h>

#include "libshared/base/network.h"

static bool is_port(struct str text)
{
    int port = 0;

    if (text.len == 0 || text.len > 5) return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!isdigit((unsigned char)text.at[i])) return false;
        port = 10 * port + (text.at[i] - '0');
    }
    return port > 0 && port < 65536;
}

static bool is_ipv6(struct str text)
{
    struct in6_addr address;

    if (text.len < 2 || text.at[text.len - 1] != ']' || memchr(text.at, '.', text.len) != NULL) return false;
    return address_parse((struct str){ text.at + 1, text.len - 2 }, &address);
}

/* An address of IPv4 has the letters of a name. */
static bool is_name(struct str text)
{
    if (text.len == 0 || text.len > ENDPOINT_HOST_MAX || text.at[0] == '-' || text.at[0] == '.') return false;
    for (size_t i = 0; i < text.len; i++)
        if (!isalnum((unsigned char)text.at[i]) && memchr("-._", text.at[i], 3) == NULL) return false;
    return true;
}

static bool is_host_and_port(struct str text)
{
    const char *colon = memrchr(text.at, ':', text.len);

    if (colon == NULL) return false;
    struct str host = { text.at, (size_t)(colon - text.at) };
    return is_port(str_skip(text, host.len + 1)) && (host.len > 0 && host.at[0] == '[' ? is_ipv6(host) : is_name(host));
}

static bool is_path(struct str text)
{
    if (text.len == 0 || text.len > ENDPOINT_PATH_MAX) return false;
    for (size_t i = 0; i < text.len; i++)
        if (!isgraph((unsigned char)text.at[i])) return false;
    return true;
}

bool endpoint_is_valid(struct str endpoint)
{
    if (endpoint.len < 6) return false;
    struct str rest = str_skip(endpoint, 6);
    if (memcmp(endpoint.at, "tcp://", 6) == 0) return is_host_and_port(rest);
    return memcmp(endpoint.at, "ipc://", 6) == 0 && is_path(rest);
}
