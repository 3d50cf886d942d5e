/* feeds.c - which gateway hears which room, and how committed messages reach them. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "libshared/base/invariant.h"
#include "libshared/base/table.h"
#include "services/chat/chat.h"

struct feed {
    UT_hash_handle hh;
    struct id room;
    int64_t passed; /* newest seq that was passed on */
    struct rpc_peer **peers;
    size_t n, cap;
};

/* Gateways in a room, on average: each is 8 bytes, and up to as many again for the list's growth. */
#define PEERS_MAX 8

struct feeds {
    struct feed *all;
    size_t max, n_peers; /* of all rooms */
    size_t steps;        /* since all were looked at */
};

struct feeds *feeds_create(size_t max)
{
    struct feeds *feeds = mem_zero(sizeof *feeds);

    feeds->max = max;
    return feeds;
}

static void end_feed(struct feeds *feeds, struct feed *feed)
{
    HASH_DEL(feeds->all, feed);
    mem_free(feed->peers);
    mem_free(feed);
}

void feeds_destroy(struct feeds **feeds)
{
    struct feed *feed, *next;

    if (*feeds == NULL) return;
    HASH_ITER(hh, (*feeds)->all, feed, next) end_feed(*feeds, feed);
    mem_free(*feeds);
    *feeds = NULL;
}

static struct feed *find_feed(struct feeds *feeds, struct id room)
{
    struct feed *feed;

    HASH_FIND(hh, feeds->all, &room, sizeof room, feed);
    return feed;
}

static struct feed *begin_feed(struct feeds *feeds, struct id room)
{
    struct feed *feed = mem_zero(sizeof *feed);

    feed->room = room;
    HASH_ADD(hh, feeds->all, room, sizeof feed->room, feed);
    return feed;
}

static bool has_peer(const struct feed *feed, const struct rpc_peer *peer)
{
    for (size_t i = 0; i < feed->n; i++)
        if (feed->peers[i] == peer) return true;
    return false;
}

/* A feed is there while somebody listens, and each listener is in it once. */
static void feed_check(const struct feed *feed)
{
    assert(feed->n > 0 && feed->n <= feed->cap);
    for (size_t i = 1; i < feed->n; i++)
        for (size_t j = 0; j < i; j++) assert(feed->peers[i] != feed->peers[j]);
}

static void feeds_check(struct feeds *feeds)
{
    size_t n_peers = 0;

    assert(HASH_COUNT(feeds->all) <= feeds->max && feeds->n_peers <= PEERS_MAX * feeds->max);
    if (!walk_is_due(&feeds->steps, HASH_COUNT(feeds->all))) return;
    for (const struct feed *feed = feeds->all; feed != NULL; feed = feed->hh.next) {
        feed_check(feed);
        n_peers += feed->n;
    }
    assert(n_peers == feeds->n_peers);
}

bool feeds_add(struct feeds *feeds, struct id room, struct rpc_peer *peer)
{
    struct feed *feed = find_feed(feeds, room);

    if (feed != NULL && has_peer(feed, peer)) return true;
    if (feeds->n_peers >= PEERS_MAX * feeds->max) return false;
    if (feed == NULL && HASH_COUNT(feeds->all) >= feeds->max) return false;
    if (feed == NULL) feed = begin_feed(feeds, room);
    feed->peers = mem_one_more(feed->peers, feed->n, &feed->cap, sizeof *feed->peers);
    feed->peers[feed->n++] = peer;
    feeds->n_peers++;
    CHECK_STEP(feed_check(feed); feeds_check(feeds));
    return true;
}

static void remove_from(struct feeds *feeds, struct feed *feed, const struct rpc_peer *peer)
{
    size_t kept = 0;

    for (size_t i = 0; i < feed->n; i++)
        if (feed->peers[i] != peer) feed->peers[kept++] = feed->peers[i];
    feeds->n_peers -= feed->n - kept;
    feed->n = kept;
    if (kept == 0) end_feed(feeds, feed);
}

void feeds_remove(struct feeds *feeds, struct id room, struct rpc_peer *peer)
{
    struct feed *feed = find_feed(feeds, room);

    if (feed != NULL) remove_from(feeds, feed, peer);
    CHECK_STEP(feeds_check(feeds));
}

void feeds_forget_peer(const struct chat *chat, const struct rpc_peer *peer)
{
    struct feeds *feeds = chat->feeds;
    struct feed *feed, *next;

    HASH_ITER(hh, feeds->all, feed, next) remove_from(feeds, feed, peer);
    CHECK_STEP(feeds_check(feeds));
}

/* A gateway whose pipe is full misses it: it notices by seq, or by "resync". */
static void pass_on(const struct feed *feed, struct rpc_server *server, int64_t seq, const char *name,
    const struct wire_shape *shape, const void *rec)
{
    struct rpc_event *event = rpc_event_create(feed->room, seq, name, shape, rec);

    for (size_t i = 0; i < feed->n; i++) (void)rpc_event_send(server, feed->peers[i], event);
    rpc_event_destroy(&event);
}

void feeds_relay(struct feeds *feeds, struct rpc_server *server, const struct relay *relay)
{
    const struct feed *feed = find_feed(feeds, relay->room);

    if (feed != NULL) pass_on(feed, server, 0, "room.relayed", relay_shape(), relay);
}

void feeds_tell(struct feeds *feeds, struct rpc_server *server, const struct access_change *change)
{
    const struct feed *feed = find_feed(feeds, change->room);

    if (feed != NULL) pass_on(feed, server, 0, "access.changed", access_change_shape(), change);
}

void feeds_tell_receipts(struct feeds *feeds, struct rpc_server *server, const struct receipt_news *news)
{
    const struct feed *feed = find_feed(feeds, news->room);

    if (feed != NULL) pass_on(feed, server, 0, "receipt.moved", receipt_news_shape(), news);
}

bool feeds_has(struct feeds *feeds, struct id room)
{
    return find_feed(feeds, room) != NULL;
}

void feeds_recheck(struct rpc_server *server)
{
    struct nothing none;
    struct rpc_event *event = rpc_event_create((struct id){ 0 }, 0, "room.recheck_due", nothing_shape(), &none);

    rpc_event_send_all(server, "gateway", event);
    rpc_event_destroy(&event);
}

struct message_list feed_after(struct message_list all, int64_t after)
{
    size_t skip = 0;

    while (skip < all.len && all.at[skip].seq <= after) skip++;
    return (struct message_list){ all.at + skip, all.len - skip };
}

enum err room_subscribe(struct call *call, const struct room_ref *req, struct nothing *rep)
{
    struct chat *chat = call->context;

    (void)rep;
    if (!feeds_add(chat->feeds, req->room, call->peer))
        return call_fail(call, ERR_OVERLOADED, "more than %zu rooms are listened to", chat->feeds->max);
    receipts_begin(chat->receipts, req->room);
    return OK;
}

enum err room_unsubscribe(struct call *call, const struct room_ref *req, struct nothing *rep)
{
    struct chat *chat = call->context;

    (void)rep;
    feeds_remove(chat->feeds, req->room, call->peer);
    return OK;
}

enum err room_publish(struct call *call, const struct publication *req, struct nothing *rep)
{
    struct chat *chat = call->context;
    struct feed *feed = find_feed(chat->feeds, req->room);

    (void)rep;
    if (feed == NULL) return OK; /* nobody listens; the log has it */
    struct publication fresh = { req->room, feed_after(req->messages, feed->passed) };
    if (fresh.messages.len == 0) return OK;
    feed->passed = fresh.messages.at[fresh.messages.len - 1].seq;
    pass_on(feed, call->server, feed->passed, "room.messages", publication_shape(), &fresh);
    return OK;
}

enum err room_recheck(struct call *call, const struct nothing *req, struct nothing *rep)
{
    (void)req, (void)rep;
    feeds_recheck(call->server);
    return OK;
}
