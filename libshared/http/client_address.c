/*
 * client_address.c - for which client a connection is counted, and how many that client has.
 *
 * A direct connection is counted for its peer.  A trusted proxy's connection is counted for the client named by the
 * request (or WebSocket) that it carries now, and for nobody between requests.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/log.h"
#include "libshared/base/network.h"
#include "libshared/http/conn_private.h"

static void set_client(struct conn *conn, const struct in6_addr *client)
{
    conn->client = *client;
    address_print(client, conn->address);
}

static bool count_client(struct conn *conn)
{
    struct address_count *count = conn->server->addresses;
    if (address_count_get(count, &conn->client) >= conn->server->config.connections_per_address) {
        LOG_BOUNDED(WARN, "listener.address_full", F_TEXT("address", conn->address));
        conn_tell_flooded(conn->server, &conn->client);
        return false;
    }
    address_count_add(count, &conn->client, 1);
    return conn->counted = true;
}

bool client_address_begin(struct conn *conn, const struct in6_addr *peer)
{
    conn->peer = *peer;
    conn->proxied = network_list_has(conn->server->config.trusted_proxies, peer);
    set_client(conn, peer);
    return conn->proxied || count_client(conn);
}

/* What the proxies ask for themselves, whether we are alive for instance, has no limit. */
bool client_address_of_request(struct conn *conn, const struct http_head *head)
{
    const struct network_list *ours = conn->server->config.trusted_proxies;
    if (!conn->proxied) return true;
    struct in6_addr client = conn->peer;
    if (conn->server->config.proxies_say == PROXIES_SAY_FORWARDED_FOR)
        client = forwarded_client(ours, head, "x-forwarded-for", &conn->peer);
    else if (conn->server->config.proxies_say == PROXIES_SAY_FORWARDED)
        client = forwarded_client(ours, head, "forwarded", &conn->peer);
    set_client(conn, &client);
    if (network_list_has(ours, &client)) return true;
    if (count_client(conn)) {
        holding_from(&conn->holding, &client);
        return true;
    }
    conn_count(conn->server->config.metrics.refused, 1);
    return false;
}

void client_address_release(struct conn *conn)
{
    if (!conn->proxied) return;
    client_address_end(conn);
    holding_from(&conn->holding, NULL);
}

void client_address_end(struct conn *conn)
{
    if (conn->counted) address_count_remove(conn->server->addresses, &conn->client, 1);
    conn->counted = false;
}
