/* session.c - a session's life: opened, written to, ended. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/engineio/session_private.h"

#include "libshared/base/clock.h"
#include "libshared/base/container_of.h"
#include "libshared/base/invariant.h"
#include "libshared/base/log.h"
#include "libshared/base/secret.h"
#include "libshared/base/metrics.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

int64_t now_ms(void)
{
    return clock_mono_us() / 1000;
}

/* --- names --- */

static char gateway_id[EIO_GATEWAY_CHARS + 1];

void eio_set_gateway_id(const char id[EIO_GATEWAY_CHARS])
{
    memcpy(gateway_id, id, EIO_GATEWAY_CHARS);
}

const char *eio_gateway_id(void)
{
    if (gateway_id[0] == '\0') secret_text(gateway_id, EIO_GATEWAY_CHARS);
    return gateway_id;
}

int64_t eio_drain_delay_ms(const char *sid, int64_t spread_ms)
{
    return spread_ms > 0 ? (int64_t)table_hash(sid, EIO_SID_CHARS) % spread_ms : 0;
}

static void make_sid(char sid[EIO_SID_CHARS + 1])
{
    memcpy(sid, eio_gateway_id(), EIO_GATEWAY_CHARS);
    secret_text(sid + EIO_GATEWAY_CHARS, EIO_SID_CHARS - EIO_GATEWAY_CHARS); /* 96 bits */
}

/* --- strangers: it costs nothing to open a session, so the oldest give way to new ones --- */

void session_greeted(struct eio_session *s)
{
    if (!s->stranger) return;
    s->stranger = false;
    DL_DELETE(s->eio->strangers, s);
    assert(s->eio->n_strangers > 0);
    s->eio->n_strangers--;
}

static void give_way(struct eio_session *s)
{
    session_greeted(s);
    if (s->closing)
        session_give_up(s);
    else
        session_end(s, REASON_FORCED, false, "");
}

static void enlist_session(struct eio_session *s)
{
    struct eio *eio = s->eio;

    if (eio->n_strangers >= (size_t)eio->config.connections_max) give_way(eio->strangers);
    s->stranger = true;
    DL_APPEND(eio->strangers, s);
    eio->n_strangers++;
}

bool session_is_one_too_many(const struct eio *eio)
{
    return HASH_COUNT(eio->sessions) - eio->n_strangers >= (size_t)eio->config.connections_max;
}

/* --- how many an address has --- */

static void enter_lists(struct eio_session *s, const struct in6_addr *from)
{
    s->counted = from != NULL;
    if (!s->counted) return;
    s->from = *from;
    address_count_add(s->eio->addresses, from, 1);
}

static void leave_lists(struct eio_session *s)
{
    if (s->counted) address_count_remove(s->eio->addresses, &s->from, 1);
}

static void on_evict(struct holding *holding)
{
    session_evict(CONTAINER_OF(holding, struct eio_session, holding));
}

bool session_has_no_room(const struct eio *eio, const struct http *http)
{
    const struct in6_addr *from = http_limited(http);
    return (from != NULL && address_count_get(eio->addresses, from) >= eio->config.connections_per_address) ||
           !holdings_have_room(SESSION_BYTES);
}

/* --- its deadlines: one timer serves them all and stands at the nearest --- */

static void take_nearer(int64_t *nearest, int64_t deadline)
{
    if (deadline != 0 && (*nearest == 0 || deadline < *nearest)) *nearest = deadline;
}

void session_arm(struct eio_session *s)
{
    int64_t nearest = 0;
    take_nearer(&nearest, s->at.ping);
    take_nearer(&nearest, s->at.pong);
    take_nearer(&nearest, s->at.connect);
    take_nearer(&nearest, s->at.upgrade);
    take_nearer(&nearest, s->at.slow);
    take_nearer(&nearest, s->at.last_poll);
    take_nearer(&nearest, s->at.release);
    ev_timer_stop(s->eio->loop, &s->timer);
    if (nearest == 0) return;
    /* By our own clock: the loop's may be behind, then the timer fires early and is set once more. */
    double after = (double)(nearest * 1000 - clock_mono_us()) / 1e6;
    ev_timer_set(&s->timer, after > 0 ? after : 0, 0);
    ev_timer_start(s->eio->loop, &s->timer);
}

bool session_is_over(const struct eio_session *s)
{
    return s->at.pong != 0 && now_ms() >= s->at.pong;
}

/* --- opening --- */

static struct eio_packet *open_packet(const struct eio_session *s)
{
    char text[256];
    bool may_upgrade = s->transport == &polling_transport && s->eio->websocket;
    int n = snprintf(text, sizeof text,
        "0{\"sid\":\"%s\",\"upgrades\":[%s],\"pingInterval\":%lld,\"pingTimeout\":%lld,\"maxPayload\":%lld}", s->sid,
        may_upgrade ? "\"websocket\"" : "", (long long)s->eio->config.ping_interval_ms,
        (long long)s->eio->config.ping_timeout_ms, (long long)s->eio->config.max_payload);
    assert(n > 0 && (size_t)n < sizeof text);
    return packet_raw((struct str){ text, (size_t)n });
}

static int64_t next_begun_us(void)
{
    static int64_t last;
    int64_t now = clock_mono_us();

    return last = now > last ? now : last + 1;
}

struct eio_session *session_open(struct eio *eio, const struct eio_transport *transport, struct http *http)
{
    struct eio_session *s = mem_zero(sizeof *s);
    struct str value, address = http_address(http);
    s->eio = eio;
    s->transport = transport;
    make_sid(s->sid);
    s->begun_us = next_begun_us();
    s->agent = agents_take(eio->agents, http_header(http, "user-agent"));
    snprintf(s->address, sizeof s->address, "%.*s", STR_ARG(address));
    s->base64 = http_param(http, "b64", &value) && value.len > 0 && !str_is(value, "0");
    HASH_ADD_STR(eio->sessions, sid, s);
    enlist_session(s);
    enter_lists(s, http_limited(http));
    holding_open(&s->holding, http_limited(http), SESSION_BYTES, on_evict);
    session_count(s, 1);
    eio->totals.opened++;
    session_push(s, open_packet(s));
    CHECK_STEP(session_check(s));
    return s;
}

struct eio_session *session_find(struct eio *eio, struct str sid)
{
    struct eio_session *s = NULL;
    if (sid.len != EIO_SID_CHARS || memchr(sid.at, '\0', sid.len) != NULL) return NULL;
    HASH_FIND(hh, eio->sessions, sid.at, EIO_SID_CHARS, s);
    if (s == NULL || (s->ended && !s->closing)) return NULL;
    if (!s->ended && session_is_over(s)) {
        session_end(s, REASON_PING, false, "ping timeout");
        return NULL;
    }
    return s;
}

void session_drop_queue(struct eio_session *s)
{
    session_pop(s, s->count);
    mem_free(s->queue);
    s->queue = NULL;
    s->head = s->capacity = 0;
}

void session_count(struct eio_session *s, int n)
{
    metric_add(s->transport == &websocket_transport ? s->eio->on_websocket : s->eio->on_polling, n);
}

void session_free(struct eio_session *s)
{
    struct eio *eio = s->eio;
    session_greeted(s);
    session_drop_queue(s);
    ev_timer_stop(eio->loop, &s->timer);
    walk_leave(s);
    HASH_DEL(eio->sessions, s);
    agents_drop(eio->agents, s->agent);
    leave_lists(s);
    holding_close(&s->holding);
    session_count(s, -1);
    mem_free(s);
}

/* --- what is true of it between two steps --- */

static void queue_bytes_check(const struct eio_session *s)
{
    size_t bytes = 0;

    for (uint32_t i = 0; i < s->count; i++) bytes += packet_frame_length(session_packet(s, i));
    assert(bytes == s->queued_bytes);
}

static void queue_check(struct eio_session *s)
{
    assert(s->count <= s->capacity && (s->capacity & (s->capacity - 1)) == 0);
    assert(s->capacity == 0 || s->head < s->capacity);
    assert((s->count == 0) == (s->queued_bytes == 0));
    if (walk_is_due(&s->steps, s->count)) queue_bytes_check(s);
}

void session_check(struct eio_session *s)
{
    const struct eio_session *found;

    HASH_FIND(hh, s->eio->sessions, s->sid, EIO_SID_CHARS, found);
    assert(found == s);
    queue_check(s);
    assert(s->poll == NULL || s->poll->session == s);
    assert(s->post == NULL || s->post->session == s);
    assert(s->ws == NULL || s->ws->session == s);
    assert(s->upgrading == NULL || (s->upgrading->session == s && !s->ended && s->transport == &polling_transport));
    assert(s->ws == NULL || s->transport == &websocket_transport);
    assert(s->ended == (s->reason != NULL));
    assert(s->ended || !s->closing);
    assert(!s->ended || (s->at.ping == 0 && s->at.pong == 0));
    assert(s->stranger ? s->eio->n_strangers > 0 && s->prev != NULL : true);
}

/* --- the queue --- */

static void grow_queue(struct eio_session *s)
{
    uint32_t capacity = s->capacity > 0 ? s->capacity * 2 : 8;
    struct eio_packet **wider = mem_alloc(capacity * sizeof *wider);
    for (uint32_t i = 0; i < s->count; i++) wider[i] = session_packet(s, i);
    mem_free(s->queue);
    s->queue = wider;
    s->head = 0;
    s->capacity = capacity;
}

static void enqueue_packet(struct eio_session *s, struct eio_packet *packet)
{
    if (s->count == s->capacity) grow_queue(s);
    s->queue[(s->head + s->count++) & (s->capacity - 1)] = packet;
    s->queued_bytes += packet_frame_length(packet);
    s->eio->totals.packets_out++;
    s->eio->totals.bytes_out += (int64_t)packet_payload(packet).len;
}

void session_push(struct eio_session *s, struct eio_packet *packet)
{
    holding_share_anyway(&s->holding, packet_cost(packet));
    enqueue_packet(s, packet);
}

/* Of many their bytes are given back at once. */
void session_pop(struct eio_session *s, uint32_t n)
{
    size_t bytes = 0, cost = 0;

    assert(n <= s->count);
    if (n == 0) return;
    for (uint32_t i = 0; i < n; i++) {
        struct eio_packet *packet = session_packet(s, i);
        bytes += packet_frame_length(packet);
        cost += packet_cost(packet);
        eio_packet_drop(packet);
    }
    s->head = (s->head + n) & (s->capacity - 1);
    s->count -= n;
    s->queued_bytes -= bytes;
    holding_unshare(&s->holding, cost);
    if (s->count > 0) return;
    /* An idle session keeps no ring. */
    if (s->capacity > 8) {
        mem_free(s->queue);
        s->queue = NULL;
        s->head = s->capacity = 0;
    }
    if (s->slow) session_touch(s);
}

void session_evict(struct eio_session *s)
{
    session_drop_queue(s);
    s->evicted = true;
    session_end(s, REASON_ERROR, false, "holds too much");
}

static void watch_size(struct eio_session *s)
{
    size_t most = (size_t)s->eio->config.queue_bytes;
    if (s->queued_bytes > 2 * most || s->count > QUEUE_PACKETS_MAX) {
        session_drop_queue(s);
        session_end(s, REASON_ERROR, false, "too slow");
    } else if (!s->slow && s->queued_bytes > most) {
        s->slow = true;
        s->at.slow = now_ms() + s->eio->config.slow_ms;
        session_arm(s);
    }
}

void eio_send(struct eio_session *s, struct eio_packet *packet)
{
    if (s->ended) return;
    if (holding_share(&s->holding, packet_cost(packet)) != OK) {
        session_evict(s);
        return;
    }
    enqueue_packet(s, eio_packet_take(packet));
    s->transport->flush(s);
    watch_size(s);
    CHECK_STEP(session_check(s));
}

bool eio_is_ready(const struct eio_session *s)
{
    return !s->ended && s->transport->is_ready(s);
}

void eio_send_volatile(struct eio_session *s, struct eio_packet *packet)
{
    if (eio_is_ready(s)) eio_send(s, packet);
}

size_t eio_queued_bytes(const struct eio_session *s)
{
    return s->queued_bytes;
}
bool eio_is_slow(const struct eio_session *s)
{
    return s->slow;
}
struct holding *eio_holding(struct eio_session *s)
{
    return &s->holding;
}
struct str eio_subject(struct eio *eio, struct str sid)
{
    const struct eio_session *s = session_find(eio, sid);

    return s != NULL ? holding_subject(&s->holding) : STR_NONE;
}
void session_lead(struct eio_session *s)
{
    if (s->ws != NULL) s->ws->way->follow(s->ws, &s->holding);
}
enum err eio_belongs(struct eio_session *s, struct str subject)
{
    if (!holding_is_strangers(&s->holding)) return OK;
    TRY(holding_belongs(&s->holding, subject));
    session_lead(s);
    return OK;
}
void eio_overflow(struct eio_session *s)
{
    session_evict(s);
}
const char *eio_sid(const struct eio_session *s)
{
    return s->sid;
}
const char *eio_transport(const struct eio_session *s)
{
    return s->transport->name;
}
struct str eio_address(const struct eio_session *s)
{
    return str_of(s->address);
}

void *eio_user(const struct eio_session *s)
{
    return s->opened && !s->ended ? s->user : NULL;
}
int64_t eio_begun_us(const struct eio_session *s)
{
    return s->begun_us;
}
int64_t eio_heard_us(const struct eio_session *s)
{
    return s->begun_us + (int64_t)s->heard_s * 1000000;
}
struct str eio_agent(const struct eio_session *s)
{
    return agents_text(s->eio->agents, s->agent);
}

/* --- from where it is used --- */

/* A session that has ended has no sockets to ask: its last packets go only to the address where it was. */
bool session_admits(struct eio_session *s, struct str address)
{
    const struct eio_upper *upper = &s->eio->upper;
    if (address.len == 0 || str_is(address, s->address)) return true;
    bool good = s->opened ? upper->admits == NULL || upper->admits(s->user, s, address) : !s->ended;
    if (!good) LOG_BOUNDED(INFO, "gateway.address_refused", F_STR("address", address));
    return good;
}

void session_move(struct eio_session *s, struct str address)
{
    if (address.len > 0) snprintf(s->address, sizeof s->address, "%.*s", STR_ARG(address));
}

/* --- a WebSocket that was to become its transport --- */

void session_forget_upgrade(struct eio_session *s)
{
    s->upgrading = NULL;
    s->probed = s->answer_probe = false;
    s->at.upgrade = 0;
}

void session_abandon_upgrade(struct eio_session *s)
{
    struct eio_channel *channel = s->upgrading;
    metric_add(s->eio->not_upgraded, 1);
    session_forget_upgrade(s);
    channel->session = NULL;
    channel->way->close(channel, 0, "");
}

/* --- the end --- */

void session_touch(struct eio_session *s)
{
    if (s->dirty) return;
    s->dirty = true;
    s->dirty_next = s->eio->dirty;
    s->eio->dirty = s;
    before_sleep_wake(&s->eio->before_sleep);
}

void session_end(struct eio_session *s, const char *reason, bool politely, const char *why)
{
    if (s->ended) return;
    s->ended = true;
    s->reason = reason;
    s->closing = politely;
    s->at = (struct deadlines){ 0 };
    if (s->upgrading != NULL) session_abandon_upgrade(s);
    s->transport->end(s, politely, why);
    session_arm(s);
    session_touch(s);
    CHECK_STEP(session_check(s));
}

void session_give_up(struct eio_session *s)
{
    s->at.last_poll = 0;
    s->closing = false;
    s->transport->end(s, false, "");
    session_touch(s);
    CHECK_STEP(session_check(s));
}

/* The array holds one counter for each close reason; an unknown reason is added to the last. */
static void count_closed(struct eio_totals *totals, const char *reason)
{
    size_t i = 0;

    while (i + 1 < EIO_REASONS_MAX && totals->closed[i].reason != NULL && strcmp(totals->closed[i].reason, reason) != 0)
        i++;
    if (totals->closed[i].reason == NULL) totals->closed[i].reason = reason;
    totals->closed[i].n++;
}

void session_tell_closed(struct eio_session *s)
{
    if (!s->opened) return;
    s->opened = false;
    count_closed(&s->eio->totals, s->reason);
    s->eio->upper.closed(s->user, s, s->reason);
}

void eio_close(struct eio_session *s, const char *reason)
{
    session_end(s, reason, true, "");
}

void eio_violation(struct eio_session *s, const char *why)
{
    if (s->ws != NULL) s->ws->way->flush(s->ws); /* the answers to what came before */
    session_end(s, REASON_PARSE, false, why);
}
