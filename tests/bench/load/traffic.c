/* traffic.c - the runs in which messages flow.
 *
 *   open, join --> ready --> warming up --> measuring --> draining --> figures
 *
 * Connections 0..rooms-1 are the senders; they join their rooms, to become members, and leave
 * them again, so that only listeners hear. The listeners of room r follow in one stretch.
 */
// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load/traffic.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/bench/load/rooms.h"
#include "tests/bench/load/swarm.h"

enum { MAX_PACKET = 8192, MAX_REFUSED = 1000, DRAIN_SECONDS = 10 };

/* Ids of acknowledgements: those of messages are their numbers, which stay below. */
enum { ACK_JOIN = 1 << 30, ACK_LEAVE };

static struct {
    const struct options *options;
    enum traffic_clock clock;
    struct rooms rooms;
    size_t joined, not_joined;
    bool sending;
} traffic;

/* What was counted at one moment. */
struct moment {
    int64_t us, cpu_us;
    uint64_t sent, acked, heard, complete;
};

static bool is_sender(const struct conn *conn)
{
    return conn->index < traffic.rooms.room_count;
}

static void send_next(size_t room)
{
    char packet[MAX_PACKET];
    struct conn *sender = swarm_conn(room);

    if (!traffic.sending || sender->state != CONN_READY || traffic.rooms.counts.refused > MAX_REFUSED) return;
    size_t n = rooms_compose(&traffic.rooms, room, traffic.options->body_bytes, packet, sizeof packet);
    if (n > 0) swarm_send(sender, packet, n);
}

static void ask(struct conn *conn, unsigned ack, const char *event)
{
    char packet[256];
    int n = snprintf(packet, sizeof packet, "42/chat,%u[\"%s\",{\"room\":\"%.100s\"}]", ack, event,
        traffic.rooms.room[conn->number].id);

    swarm_send(conn, packet, (size_t)n);
}

static void join(struct conn *conn)
{
    ask(conn, ACK_JOIN, "room:join");
}

/* A refusal is an object with a code, whatever the rest of it is. */
static void hear_place(struct conn *conn, uint64_t id, const char *text, size_t len)
{
    if (memmem(text, len, "\"code\":", 7) != NULL) {
        traffic.not_joined++;
        swarm_complain("a room was refused", text, len);
    } else if (is_sender(conn) && id == ACK_JOIN) {
        ask(conn, ACK_LEAVE, "room:leave");
    } else {
        traffic.joined++;
    }
}

static void hear_ack(struct conn *conn, uint64_t id, const char *text, size_t len)
{
    if (id >= ACK_JOIN) {
        hear_place(conn, id, text, len);
        return;
    }
    bool stored = rooms_acked(&traffic.rooms, conn->number, id, text, len);
    if (!stored) swarm_complain("message:send was refused", text, len);
    if (traffic.clock == CLOCK_ACKED || !stored) send_next(conn->number);
}

static void hear_event(struct conn *conn, const char *text, size_t len)
{
    static const char message[] = "[\"message\",";

    if (is_sender(conn) || len < sizeof message || memcmp(text, message, sizeof message - 1) != 0) return;
    size_t member = conn->index - traffic.rooms.room_count;
    if (rooms_heard(&traffic.rooms, member, text, len) && traffic.clock == CLOCK_HEARD) send_next(conn->number);
}

static const struct swarm_user user = { .ready = join, .event = hear_event, .ack = hear_ack };

static struct moment moment_now(void)
{
    const struct rooms_counts *c = &traffic.rooms.counts;
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return (struct moment){ .us = tally_now_us(),
        .sent = c->sent,
        .acked = c->acked,
        .heard = c->heard,
        .complete = c->complete,
        .cpu_us = (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000ll + u.ru_utime.tv_usec + u.ru_stime.tv_usec };
}

static void turn_for(double seconds)
{
    for (int64_t end = tally_now_us() + (int64_t)(seconds * 1e6); tally_now_us() < end;) swarm_turn(10);
}

static bool all_answered(void)
{
    const struct rooms_counts *c = &traffic.rooms.counts;

    return c->acked + c->refused == c->sent && rooms_missing(&traffic.rooms) == 0;
}

static void drain(void)
{
    int64_t end = tally_now_us() + DRAIN_SECONDS * 1000000ll;

    traffic.sending = false;
    while (!all_answered() && tally_now_us() < end) swarm_turn(10);
}

static void open_and_join(void)
{
    size_t wanted = swarm_counts()->total;
    int64_t end = tally_now_us() + (int64_t)(traffic.options->open_seconds * 1e6);

    swarm_open();
    while (traffic.joined + traffic.not_joined < wanted && tally_now_us() < end) swarm_turn(10);
}

static void print_rates(struct moment from, struct moment to)
{
    double s = (double)(to.us - from.us) / 1e6;

    printf("\"seconds\":%.3f,\"sent_per_s\":%.1f,\"acked_per_s\":%.1f,\"complete_per_s\":%.1f,"
           "\"deliveries_per_s\":%.1f,\"load_cpu\":%.3f,",
        s, (double)(to.sent - from.sent) / s, (double)(to.acked - from.acked) / s,
        (double)(to.complete - from.complete) / s, (double)(to.heard - from.heard) / s,
        (double)(to.cpu_us - from.cpu_us) / 1e6 / s);
}

static void print_figures(struct moment from, struct moment to)
{
    const struct rooms *r = &traffic.rooms;
    const struct rooms_counts *c = &r->counts;
    const struct options *o = traffic.options;

    printf("{\"mode\":\"%s\",\"tls\":%s,\"rooms\":%zu,\"members\":%zu,\"in_flight\":%zu,\"bytes\":%zu,"
           "\"connected\":%zu,\"joined\":%zu,\"lost\":%zu,",
        o->mode, o->tls ? "true" : "false", r->room_count, r->members, o->in_flight, o->body_bytes,
        swarm_counts()->ready, traffic.joined, swarm_counts()->lost);
    print_rates(from, to);
    tally_print(&c->ack_us, "ack_us", stdout);
    printf(",");
    tally_print(&c->complete_us, "complete_us", stdout);
    printf(",\"sent\":%" PRIu64 ",\"acked\":%" PRIu64 ",\"refused\":%" PRIu64 ",\"heard\":%" PRIu64
           ",\"unanswered\":%" PRIu64 ",\"missing\":%" PRIu64 ",\"duplicate\":%" PRIu64 ",\"out_of_order\":%" PRIu64
           ",\"strayed\":%" PRIu64 ",\"unreadable\":%" PRIu64 "}\n",
        c->sent, c->acked, c->refused, c->heard, c->sent - c->acked - c->refused, rooms_missing(r), c->duplicate,
        c->out_of_order, c->strayed, c->unreadable);
    fflush(stdout);
}

static void prepare(const struct options *o, enum traffic_clock clock)
{
    size_t rooms = o->room_count, total = rooms * (1 + o->members);

    traffic.options = o;
    traffic.clock = clock;
    rooms_create(&traffic.rooms, o->rooms, rooms, o->members);
    swarm_create(o, total, &user);
    for (size_t i = 0; i < total; i++) swarm_conn(i)->number = (uint32_t)(i < rooms ? i : (i - rooms) / o->members);
}

static bool all_is_well(void)
{
    const struct rooms_counts *c = &traffic.rooms.counts;

    return all_answered() && c->sent > 0 &&
           c->duplicate + c->out_of_order + c->strayed + c->unreadable + c->refused == 0;
}

bool traffic_run(const struct options *o, enum traffic_clock clock)
{
    prepare(o, clock);
    open_and_join();
    swarm_pace("ready");
    traffic.sending = true;
    for (size_t room = 0; room < o->room_count; room++)
        for (size_t i = 0; i < o->in_flight; i++) send_next(room);
    turn_for(o->warmup_seconds);
    memset(&traffic.rooms.counts.ack_us, 0, sizeof(struct tally));
    memset(&traffic.rooms.counts.complete_us, 0, sizeof(struct tally));

    fprintf(stderr, "measuring\n");
    struct moment from = moment_now();
    turn_for(o->seconds);
    struct moment to = moment_now();
    fprintf(stderr, "measured\n");

    drain();
    print_figures(from, to);
    bool well = all_is_well();
    swarm_destroy();
    rooms_destroy(&traffic.rooms);
    return well;
}
