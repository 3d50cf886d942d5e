/* proxy_header.c - whom a proxy brings: the PROXY protocol, versions 1 and 2 (haproxy.org, proxy-protocol.txt). */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/address/proxy_header.h"

#include <string.h>

#include "libshared/base/network.h"

#define V1_MAX      107
#define V2_HEAD     16
#define V2_LOCAL    0x20
#define V2_PROXY    0x21
#define V2_TCP4     0x11
#define V2_TCP6     0x21
#define PORTS_BYTES 4

static const char v2_begins[] = "\r\n\r\n\0\r\nQUIT\n";

/* --- version 1 --- */

static bool is_port(struct str text)
{
    int64_t port;

    return text.len <= 5 && str_to_int(text, &port) && port <= 65535 && port >= 0 &&
           (text.len == 1 || text.at[0] != '0');
}

/* "TCP4 198.51.100.7 10.0.0.5 56324 443" */
static bool read_line(struct str line, struct in6_addr *client)
{
    struct str family = str_cut(&line, ' '), from = str_cut(&line, ' '), to = str_cut(&line, ' ');
    struct str from_port = str_cut(&line, ' ');
    struct in6_addr there;

    if (!is_port(from_port) || !is_port(line) || !address_parse(from, client) || !address_parse(to, &there))
        return false;
    if (str_is(family, "TCP4")) return IN6_IS_ADDR_V4MAPPED(client) && IN6_IS_ADDR_V4MAPPED(&there);
    return str_is(family, "TCP6") && !IN6_IS_ADDR_V4MAPPED(client);
}

static enum proxy_header read_v1(struct str bytes, size_t *len, struct in6_addr *client)
{
    const char *end = memmem(bytes.at, bytes.len < V1_MAX ? bytes.len : V1_MAX, "\r\n", 2);

    if (end == NULL) return bytes.len < V1_MAX ? PROXY_MORE : PROXY_BAD;
    *len = (size_t)(end - bytes.at) + 2;
    struct str line = str_skip((struct str){ bytes.at, *len - 2 }, 6);
    if (str_is(line, "UNKNOWN") || str_starts(line, STR("UNKNOWN "))) return PROXY_NOBODY;
    return read_line(line, client) ? PROXY_CLIENT : PROXY_BAD;
}

/* --- version 2 --- */

static void map_ipv4(const char *from, struct in6_addr *out)
{
    *out = (struct in6_addr){ .s6_addr = { [10] = 0xff, [11] = 0xff } };
    memcpy(out->s6_addr + 12, from, 4);
}

static enum proxy_header read_v2(struct str bytes, size_t *len, struct in6_addr *client)
{
    if (bytes.len < V2_HEAD) return PROXY_MORE;
    unsigned char command = (unsigned char)bytes.at[12], family = (unsigned char)bytes.at[13];
    size_t more = (size_t)(unsigned char)bytes.at[14] << 8 | (unsigned char)bytes.at[15];

    if ((command != V2_LOCAL && command != V2_PROXY) || V2_HEAD + more > PROXY_HEADER_MAX) return PROXY_BAD;
    if (bytes.len < V2_HEAD + more) return PROXY_MORE;
    *len = V2_HEAD + more;
    if (command == V2_LOCAL || family == 0) return PROXY_NOBODY;
    const char *addresses = bytes.at + V2_HEAD;
    if (family == V2_TCP4 && more >= 2 * 4 + PORTS_BYTES) {
        map_ipv4(addresses, client);
        return PROXY_CLIENT;
    }
    if (family != V2_TCP6 || more < 2 * sizeof *client + PORTS_BYTES) return PROXY_BAD;
    memcpy(client, addresses, sizeof *client);
    return PROXY_CLIENT;
}

/* --- either --- */

/* What is here may become this. */
static bool may_begin(struct str bytes, const char *with, size_t len)
{
    return memcmp(bytes.at, with, bytes.len < len ? bytes.len : len) == 0;
}

enum proxy_header proxy_header_read(struct str bytes, size_t *len, struct in6_addr *client)
{
    if (bytes.len == 0) return PROXY_MORE;
    if (may_begin(bytes, "PROXY ", 6)) return bytes.len < 6 ? PROXY_MORE : read_v1(bytes, len, client);
    if (may_begin(bytes, v2_begins, 12)) return read_v2(bytes, len, client);
    return PROXY_BAD;
}
