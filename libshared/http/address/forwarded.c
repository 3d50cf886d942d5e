/* forwarded.c - whose request it is that a proxy brings. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/address/forwarded.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* --- one hop --- */

static bool is_port(struct str text)
{
    if (text.len == 0 || text.len > 5) return false;
    for (size_t i = 0; i < text.len; i++)
        if (!isdigit((unsigned char)text.at[i])) return false;
    return true;
}

/* "[2001:db8::7]", "[2001:db8::7]:4711" */
static bool read_bracketed(struct str text, struct in6_addr *out)
{
    size_t end;
    struct str inside = str_skip(text, 1);
    if (!str_find(inside, ']', &end)) return false;
    struct str after = str_skip(inside, end + 1);
    inside.len = end;
    return memchr(inside.at, ':', inside.len) != NULL && address_parse(inside, out) &&
           (after.len == 0 || (after.at[0] == ':' && is_port(str_skip(after, 1))));
}

/* Some proxies add the port.  Without brackets only IPv4 can have one. */
static bool parse_hop(struct str text, struct in6_addr *out)
{
    size_t colon;
    if (text.len == 0) return false;
    if (text.at[0] == '[') return read_bracketed(text, out);
    if (address_parse(text, out)) return true;
    return str_find(text, ':', &colon) && is_port(str_skip(text, colon + 1)) &&
           address_parse((struct str){ text.at, colon }, out);
}

/* "for=198.51.100.7", "proto=https;FOR=\"[2001:db8::7]:4711\"": its node's name.  What was hidden, "unknown" or "_x", is none. */
static struct str node_of(struct str element)
{
    while (element.len > 0) {
        struct str value = str_trim(str_cut(&element, ';')), name = str_trim(str_cut(&value, '='));
        if (name.len != 3 || strncasecmp(name.at, "for", 3) != 0) continue;
        value = str_trim(value);
        bool quoted = value.len >= 2 && value.at[0] == '"' && value.at[value.len - 1] == '"';
        return quoted ? (struct str){ value.at + 1, value.len - 2 } : value;
    }
    return STR_NONE;
}

/* --- the walk --- */

/* One line, from its right end.  true: the walk goes on in the line before. */
static bool walk_hops(const struct network_list *ours, struct str line, bool elements, struct in6_addr *client)
{
    while (line.at != NULL && network_list_has(ours, client)) {
        struct in6_addr hop;
        struct str last = http_list_last(&line);
        if (!parse_hop(elements ? node_of(last) : last, &hop)) return false;
        *client = hop;
    }
    return network_list_has(ours, client);
}

struct in6_addr forwarded_client(
    const struct network_list *ours, const struct http_head *head, const char *header, const struct in6_addr *peer)
{
    bool elements = strcmp(header, "forwarded") == 0;
    struct in6_addr client = *peer;
    bool on = network_list_has(ours, peer);
    for (size_t i = head->n_fields; i > 0 && on; i--)
        if (str_is(head->fields[i - 1].name, header))
            on = walk_hops(ours, head->fields[i - 1].value, elements, &client);
    return client;
}
