/*
 * whose.c - whose a connection is, and how many he has.
 *
 * One that comes directly is its peer's, from beginning to end.  One of a trusted proxy is, while a request or a
 * WebSocket is on it, that client's for whom it was brought; between two requests it is nobody's.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/log.h"
#include "libshared/base/network.h"
#include "libshared/service/metrics.h"
#include "libshared/service/settings.h"
#include "services/gateway/listener/conn.h"

/* How often the log may say that somebody has too many. */
#define SAY_SECONDS 10

static void become(struct conn *conn, const struct in6_addr *client)
{
    conn->client = *client;
    address_print(client, conn->address);
}

static void say_full(const struct conn *conn)
{
    struct listener *l = conn->listener;
    double now = ev_now(l->loop);
    if (now < l->full_said + SAY_SECONDS) return;
    l->full_said = now;
    LOG(WARN, "listener.address_full", F_TEXT("address", conn->address));
}

static bool count(struct conn *conn)
{
    struct peers *peers = conn->listener->peers;
    if (peers_count(peers, &conn->client) >= settings.gateway.connections_per_address) {
        say_full(conn);
        return false;
    }
    peers_enter(peers, &conn->client);
    return conn->counted = true;
}

bool whose_begin(struct conn *conn, const struct in6_addr *peer)
{
    conn->peer = *peer;
    conn->proxied = network_list_has(settings.gateway.trusted_proxies, peer);
    become(conn, peer);
    return conn->proxied || count(conn);
}

/* What the proxies ask for themselves, whether we are alive for instance, has no limit. */
bool whose_request(struct conn *conn)
{
    const struct network_list *ours = settings.gateway.trusted_proxies;
    if (!conn->proxied) return true;
    struct in6_addr client = forwarded_client(ours, &conn->http->head, &conn->peer);
    become(conn, &client);
    if (network_list_has(ours, &client) || count(conn)) return true;
    metric_add(conn->listener->refused, 1);
    return false;
}

void whose_answered(struct conn *conn)
{
    if (conn->proxied) whose_end(conn);
}

void whose_end(struct conn *conn)
{
    if (conn->counted) peers_leave(conn->listener->peers, &conn->client);
    conn->counted = false;
}
