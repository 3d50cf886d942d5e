/* soak.c - the run for minutes: clients as they should be.
 *
 *   open, join --> ready --told--> talking, stalling --told--> the stalled read again, all is heard --> figures
 */
// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/load/soak.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/load/crowd.h"
#include "tests/bench/load/mark.h"
#include "tests/bench/load/swarm.h"

enum {
    SECOND = 1000000,
    BUSY_US = SECOND / 25, /* between two messages of a busy room */
    QUIET_US = SECOND,
    PAUSE_US = 8 * SECOND, /* how long the pausing read nothing, of PERIOD_US */
    PERIOD_US = 12 * SECOND,
    PATIENCE_US = 10 * SECOND, /* for an acknowledgement */
    RETRY_US = SECOND / 5,
    SAY_US = 10 * SECOND,
    CATCH_UP_SECONDS = 60,
    ACK_JOIN = 1 << 30,
};

static struct {
    const struct options *options;
    struct crowd crowd;
    int64_t began_us, said_us;
    uint32_t stamp; /* of this run, in message ids */
    bool talking, stalling;
} soak;

static struct place *place_of(const struct conn *conn)
{
    return &soak.crowd.places[conn->index];
}

static void join(struct conn *conn)
{
    const struct place *place = place_of(conn);
    char packet[256];
    int n = snprintf(packet, sizeof packet, "42/chat,%u[\"room:join\",{\"room\":\"%.100s\",\"since\":%" PRId64 "}]",
        (unsigned)ACK_JOIN, soak.options->rooms[place->room], place->heard);

    swarm_send(conn, packet, (size_t)n);
}

static void send_message(struct conn *conn, struct talk *talk, int64_t now)
{
    const struct place *place = place_of(conn);
    char body[MARK_BODY_MAX + 1], packet[MARK_BODY_MAX + 300];

    mark_write(body, soak.options->body_bytes, place->room, talk->stored);
    int n = snprintf(packet, sizeof packet,
        "42/chat,%u[\"message:send\",{\"room\":\"%.100s\",\"id\":\"%08x-%04x-7000-8000-%012x\",\"body\":\"%s\"}]",
        talk->stored, soak.options->rooms[place->room], soak.stamp, place->room & 0xffff, talk->stored, body);
    talk->pending = talk->under_way = true;
    talk->sent_us = now;
    talk->next_us = now + (place->room < soak.crowd.busy ? BUSY_US : QUIET_US);
    swarm_send(conn, packet, (size_t)n);
}

static void hear_ack(struct conn *conn, uint64_t id, const char *text, size_t len)
{
    struct place *place = place_of(conn);
    struct talk *talk = &soak.crowd.talks[place->room];

    if (id != ACK_JOIN) {
        if (crowd_acked(&soak.crowd, talk, id, text, len)) return;
        swarm_complain("message:send was refused", text, len);
        talk->next_us = tally_now_us() + RETRY_US;
    } else if (memmem(text, len, "\"code\":", 7) != NULL) {
        soak.crowd.counts.joins_refused++;
        swarm_complain("a room was refused", text, len);
        place->due_us = tally_now_us() + RETRY_US;
    } else {
        place->joined = true;
    }
}

static void hear_event(struct conn *conn, const char *text, size_t len)
{
    static const char message[] = "[\"message\",";

    if (len >= sizeof message && memcmp(text, message, sizeof message - 1) == 0)
        crowd_hears(&soak.crowd, place_of(conn), text, len);
}

/* As socket.io-client does it: back after a second, give or take half. */
static void lost(struct conn *conn, bool was_ready)
{
    struct place *place = place_of(conn);

    place->lost += was_ready;
    place->joined = false;
    place->due_us = tally_now_us() + SECOND / 2 + random() % SECOND;
    if (place->kind == CROWD_SENDER) soak.crowd.talks[place->room].under_way = false;
}

static const struct swarm_user user = { .ready = join, .event = hear_event, .ack = hear_ack, .lost = lost };

static void talk_on(struct conn *conn, struct talk *talk, int64_t now)
{
    if (talk->under_way && now - talk->sent_us > PATIENCE_US) {
        soak.crowd.counts.unanswered++;
        talk->under_way = false;
    }
    if (!talk->under_way && now >= talk->next_us && (talk->pending || soak.talking)) send_message(conn, talk, now);
}

static void turn_place(size_t i, int64_t now)
{
    struct conn *conn = swarm_conn(i);
    struct place *place = &soak.crowd.places[i];

    if (place->due_us != 0 && place->due_us <= now) {
        place->due_us = 0;
        if (conn->state == CONN_READY)
            join(conn);
        else
            swarm_again(conn);
    }
    if (!place->joined) return;
    if (place->kind == CROWD_SENDER)
        talk_on(conn, &soak.crowd.talks[place->room], now);
    else if (place->kind == CROWD_PAUSING)
        swarm_be_deaf(conn, soak.stalling && (now - soak.began_us) % PERIOD_US < PAUSE_US);
    else if (place->kind == CROWD_DEAD)
        swarm_be_deaf(conn, soak.stalling);
}

static void say(int64_t now)
{
    uint64_t stored = 0;

    if (now - soak.said_us < SAY_US) return;
    soak.said_us = now;
    for (size_t r = 0; r < soak.crowd.rooms; r++) stored += soak.crowd.talks[r].stored;
    fprintf(stderr, "%3d s: %zu connected, %" PRIu64 " messages acknowledged, %" PRIu64 " heard, %zu behind\n",
        (int)((now - soak.began_us) / SECOND), swarm_counts()->ready, stored, soak.crowd.counts.heard,
        crowd_behind(&soak.crowd));
}

static void turn(void)
{
    int64_t now = tally_now_us();

    swarm_turn(10);
    for (size_t i = 0; i < soak.crowd.count; i++) turn_place(i, now);
    say(now);
}

static bool all_joined(void)
{
    for (size_t i = 0; i < soak.crowd.count; i++)
        if (!soak.crowd.places[i].joined) return false;
    return true;
}

static void turn_until(bool (*done)(void), double seconds)
{
    int64_t end = tally_now_us() + (int64_t)(seconds * SECOND);

    while (!done() && tally_now_us() < end) turn();
}

static bool told(void)
{
    return soak.options->paced && swarm_told();
}

static bool all_whole(void)
{
    return crowd_is_whole(&soak.crowd);
}

/* What became of the connections, by kind. */
struct fates {
    size_t moved, more_than_once; /* of all but the dead */
    size_t pausing, dead, dead_dropped;
};

static struct fates count_fates(void)
{
    struct fates f = { 0 };

    for (size_t i = 0; i < soak.crowd.count; i++) {
        const struct place *place = &soak.crowd.places[i];
        f.pausing += place->kind == CROWD_PAUSING;
        f.dead += place->kind == CROWD_DEAD;
        f.dead_dropped += place->kind == CROWD_DEAD && place->lost > 0;
        f.moved += place->kind != CROWD_DEAD && place->lost > 0;
        f.more_than_once += place->kind != CROWD_DEAD && place->lost > 1;
    }
    return f;
}

static void print_figures(int64_t talked_us, int64_t caught_up_us)
{
    const struct crowd_counts *c = &soak.crowd.counts;
    struct fates f = count_fates();
    uint64_t stored = 0;

    for (size_t r = 0; r < soak.crowd.rooms; r++) stored += soak.crowd.talks[r].stored;
    printf("{\"mode\":\"soak\",\"connections\":%zu,\"rooms\":%zu,\"seconds\":%.1f,\"caught_up_seconds\":%.1f,"
           "\"acknowledged\":%" PRIu64 ",\"heard\":%" PRIu64 ",",
        soak.crowd.count, soak.crowd.rooms, (double)talked_us / SECOND, (double)caught_up_us / SECOND, stored,
        c->heard);
    printf("\"pausing\":%zu,\"dead\":%zu,\"dead_dropped\":%zu,\"moved\":%zu,\"more_than_once\":%zu,\"failed\":%zu,"
           "\"told_to_go\":%zu,",
        f.pausing, f.dead, f.dead_dropped, f.moved, f.more_than_once, swarm_counts()->failed, swarm_counts()->refused);
    printf("\"refused\":%" PRIu64 ",\"unanswered\":%" PRIu64 ",\"joins_refused\":%" PRIu64 ",\"behind\":%zu,"
           "\"duplicate\":%" PRIu64 ",\"gaps\":%" PRIu64 ",\"strayed\":%" PRIu64 ",\"misplaced\":%" PRIu64
           ",\"unreadable\":%" PRIu64 ",",
        c->refused, c->unanswered, c->joins_refused, crowd_behind(&soak.crowd), c->duplicate, c->gaps, c->strayed,
        c->misplaced, c->unreadable);
    tally_print(&c->ack_us, "ack_us", stdout);
    printf("}\n");
    fflush(stdout);
}

static void prepare(const struct options *o)
{
    soak.options = o;
    soak.began_us = soak.said_us = tally_now_us();
    soak.stamp = (uint32_t)soak.began_us;
    srandom(soak.stamp);
    crowd_create(&soak.crowd, o->connections, o->room_count, o->stalled);
    swarm_create(o, o->connections, &user);
    for (size_t i = 0; i < o->connections; i++)
        swarm_conn(i)->narrow = soak.crowd.places[i].kind == CROWD_PAUSING || soak.crowd.places[i].kind == CROWD_DEAD;
}

static bool is_well(void)
{
    const struct crowd_counts *c = &soak.crowd.counts;

    return crowd_is_whole(&soak.crowd) && c->heard > 0 &&
           c->duplicate + c->gaps + c->strayed + c->misplaced + c->unreadable == 0;
}

bool soak_run(const struct options *o)
{
    prepare(o);
    swarm_open();
    turn_until(all_joined, o->open_seconds);
    swarm_pace("ready");

    soak.talking = soak.stalling = true;
    soak.began_us = tally_now_us();
    turn_until(told, o->seconds);
    int64_t talked = tally_now_us();
    fprintf(stderr, "catching up\n");
    soak.talking = soak.stalling = false;
    turn(); /* the stalled read again before anybody counts */
    turn_until(all_whole, CATCH_UP_SECONDS);

    print_figures(talked - soak.began_us, tally_now_us() - talked);
    bool well = is_well();
    swarm_destroy();
    crowd_destroy(&soak.crowd);
    return well;
}
