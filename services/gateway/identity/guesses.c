/* guesses.c - credentials that nobody here has seen good: few at a time by address. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/identity/guesses.h"

#include <assert.h>
#include <ev.h>
#include <openssl/evp.h>
#include <string.h>
#include <utlist.h>

#include "libshared/base/arena.h"
#include "libshared/base/clock.h"
#include "libshared/base/invariant.h"
#include "libshared/base/network.h"
#include "libshared/base/table.h"
#include "libshared/base/metrics.h"
#include "services/gateway/identity/refusal.h"

#define KNOWN_MAX   10000
#define SAME_MAX    1000  /* requests with one credential that wait */
#define QUEUE_MAX   64    /* credentials of one address that wait for their turn */
#define WAITING_MAX 10000 /* of all addresses together */
#define RETRY_MS    1000  /* what `overloaded` advises */
#define TICK_S      0.05
#define ADDRESS_MAX 64

struct guess_asker {
    guess_turn *turn;
    void *arg;
};

struct known_guess {
    unsigned char digest[GUESS_DIGEST_BYTES];
    UT_hash_handle hh; /* in the order of their coming */
};

/* The credentials of one address that are under way or wait. */
struct address_lane {
    struct guesses *home;
    size_t under_way, n_queued;
    struct guess *queue; /* the longest waiting first */
    UT_hash_handle hh;
    char address[ADDRESS_MAX + 1];
};

struct guess {
    unsigned char digest[GUESS_DIGEST_BYTES];
    struct guesses *home;
    struct address_lane *lane; /* NULL: it was known to be good */
    struct guess_asker first;  /* the one that presents it */
    struct guess_asker *same;  /* those that came with the same one meanwhile */
    size_t n_same, cap;
    int64_t until_us; /* of waiting in the lane's queue */
    struct guess *prev, *next;
    UT_hash_handle hh;
    char address[ADDRESS_MAX + 1];
};

struct guesses {
    struct ev_loop *loop;
    struct rates *rates;
    int64_t wait_ms;
    struct known_guess *known;
    struct guess *table; /* all that are not known */
    struct address_lane *lanes;
    size_t n_waiting; /* of `same` and in queues */
    size_t steps;     /* since all were looked at */
    bool closing;
    ev_timer tick;
    struct metric *refused;
};

/* --- known to be good --- */

static struct known_guess *find_known(const struct guesses *guesses, const unsigned char *digest)
{
    struct known_guess *known;

    HASH_FIND(hh, guesses->known, digest, GUESS_DIGEST_BYTES, known);
    return known;
}

static void forget_known(struct guesses *guesses, struct known_guess *known)
{
    if (known == NULL) return;
    HASH_DEL(guesses->known, known);
    mem_free(known);
}

static void remember_known(struct guesses *guesses, const unsigned char *digest)
{
    if (find_known(guesses, digest) != NULL) return;
    if (HASH_COUNT(guesses->known) >= KNOWN_MAX) forget_known(guesses, guesses->known);
    struct known_guess *known = mem_zero(sizeof *known);
    memcpy(known->digest, digest, GUESS_DIGEST_BYTES);
    HASH_ADD(hh, guesses->known, digest, GUESS_DIGEST_BYTES, known);
}

/* --- what is true between two steps --- */

static void lane_check(const struct address_lane *lane)
{
    const struct guess *guess;
    size_t n = 0;

    DL_FOREACH(lane->queue, guess) {
        assert(guess->lane == lane && guess->until_us >= 0);
        n++;
    }
    assert(n == lane->n_queued && n <= QUEUE_MAX);
    assert(lane->under_way > 0 || n > 0);
}

/* Who waits is in a queue or behind one who presents the same, and is counted. */
static void guesses_check(struct guesses *guesses)
{
    size_t n_waiting = 0;

    assert(guesses->n_waiting <= WAITING_MAX && HASH_COUNT(guesses->known) <= KNOWN_MAX);
    if (!walk_is_due(&guesses->steps, HASH_COUNT(guesses->table) + HASH_COUNT(guesses->lanes))) return;
    for (const struct address_lane *lane = guesses->lanes; lane != NULL; lane = lane->hh.next) {
        lane_check(lane);
        n_waiting += lane->n_queued;
    }
    for (const struct guess *guess = guesses->table; guess != NULL; guess = guess->hh.next) n_waiting += guess->n_same;
    assert(n_waiting == guesses->n_waiting);
}

/* --- lanes --- */

static struct address_lane *get_lane(struct guesses *guesses, struct str address)
{
    char text[INET6_ADDRSTRLEN];
    struct address_lane *lane;
    struct str block = address_block_name(address, text);
    size_t len = block.len < ADDRESS_MAX ? block.len : ADDRESS_MAX;

    HASH_FIND(hh, guesses->lanes, block.at, len, lane);
    if (lane != NULL) return lane;
    lane = mem_zero(sizeof *lane);
    lane->home = guesses;
    if (len > 0) memcpy(lane->address, block.at, len);
    HASH_ADD(hh, guesses->lanes, address, len, lane);
    return lane;
}

static void drop_lane_if_idle(struct address_lane *lane)
{
    if (lane->under_way > 0 || lane->n_queued > 0) return;
    HASH_DEL(lane->home->lanes, lane);
    mem_free(lane);
}

/* Those under way may all be refused.  Over the rate they go one by one, and slowly. */
static bool may_go(const struct address_lane *lane)
{
    struct rates *rates = lane->home->rates;
    struct str who = str_of(lane->address);
    int64_t now_us = clock_mono_us(), left = rates_left(rates, RATE_auth, who, now_us);

    if ((int64_t)lane->under_way < left) return true;
    return left == 0 && lane->under_way == 0 && rates_take(rates, RATE_guess, who, now_us) == 0;
}

static void give_turn(struct guess *guess)
{
    guess->lane->under_way++;
    guess->first.turn(guess->first.arg, OK, 0, guess);
}

static void free_guess(struct guess *guess)
{
    mem_free(guess->same);
    mem_free(guess);
}

static void present_known(
    struct guesses *guesses, const unsigned char *digest, struct str address, struct guess_asker who)
{
    struct guess *guess = mem_zero(sizeof *guess);

    guess->home = guesses;
    memcpy(guess->digest, digest, GUESS_DIGEST_BYTES);
    memcpy(guess->address, address.at, address.len);
    who.turn(who.arg, OK, 0, guess);
}

/* Nobody finds it any more, and those who came with the same one do not wait any longer. */
static void leave_table(struct guess *guess)
{
    HASH_DEL(guess->home->table, guess);
    guess->home->n_waiting -= guess->n_same;
}

/* The guess is in no table any more. */
static void tell_same(struct guess *guess, enum err e, int64_t retry_after_ms)
{
    for (size_t i = 0; i < guess->n_same; i++) {
        struct guess_asker *who = &guess->same[i];
        if (e == OK)
            present_known(guess->home, guess->digest, str_of(guess->address), *who);
        else
            who->turn(who->arg, e, retry_after_ms, NULL);
    }
}

/* --- those who wait in a queue --- */

static void leave_queue(struct guess *guess)
{
    DL_DELETE(guess->lane->queue, guess);
    assert(guess->lane->n_queued > 0 && guess->home->n_waiting > 0);
    guess->lane->n_queued--;
    guess->home->n_waiting--;
}

static int64_t retry_after(const struct address_lane *lane)
{
    int64_t wait_ms = rates_wait_ms(lane->home->rates, RATE_auth, str_of(lane->address), clock_mono_us());

    return wait_ms > RETRY_MS ? wait_ms : RETRY_MS;
}

/* Its time is over. */
static void refuse_queued(struct guess *guess)
{
    enum err e = guess->home->closing ? ERR_SHUTTING_DOWN : ERR_RATE_LIMITED;
    int64_t retry_after_ms = guess->home->closing ? 0 : retry_after(guess->lane);

    leave_queue(guess);
    leave_table(guess);
    metric_add(guess->home->refused, (int64_t)guess->n_same + 1);
    guess->first.turn(guess->first.arg, e, retry_after_ms, NULL);
    tell_same(guess, e, retry_after_ms);
    free_guess(guess);
}

/* Each turn may bring new ones, to the end of the queue; the lane is there as long as something is in it. */
static void run_lane(struct address_lane *lane)
{
    int64_t now_us = clock_mono_us();

    lane->under_way++; /* stays while we look at it */
    for (;;) {
        struct guess *guess = lane->queue;
        lane->under_way--;
        bool goes = guess != NULL && guess->until_us > now_us && may_go(lane);
        lane->under_way++;
        if (guess == NULL || (!goes && guess->until_us > now_us)) break;
        if (goes) {
            leave_queue(guess);
            give_turn(guess);
        } else {
            refuse_queued(guess);
        }
    }
    lane->under_way--;
    drop_lane_if_idle(lane);
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct guesses *guesses = timer->data;
    struct address_lane *lane = guesses->lanes, *next;
    size_t n_queued = 0;

    (void)events;
    if (lane != NULL) lane->under_way++; /* the next one to look at stays, whatever a turn brings about */
    for (; lane != NULL; lane = next) {
        next = lane->hh.next;
        if (next != NULL) next->under_way++;
        n_queued += lane->n_queued;
        lane->under_way--;
        run_lane(lane);
    }
    if (n_queued == 0) ev_timer_stop(loop, timer);
    CHECK_STEP(guesses_check(guesses));
}

static void join_queue(struct guess *guess)
{
    guess->until_us = clock_mono_us() + guess->home->wait_ms * 1000;
    DL_APPEND(guess->lane->queue, guess);
    guess->lane->n_queued++;
    guess->home->n_waiting++;
    ev_timer_start(guess->home->loop, &guess->home->tick);
}

/* --- from outside --- */

/* Each with its length, so that no two lists of texts are the same bytes. */
static void digest_text(EVP_MD_CTX *context, struct str text)
{
    uint64_t len = text.len;

    EVP_DigestUpdate(context, &len, sizeof len);
    if (text.len > 0) EVP_DigestUpdate(context, text.at, text.len);
}

void guess_digest(
    const char *door, const struct str *texts, size_t n, struct str address, unsigned char out[GUESS_DIGEST_BYTES])
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    digest_text(context, str_of(door));
    digest_text(context, address);
    for (size_t i = 0; i < n; i++) digest_text(context, texts[i]);
    EVP_DigestFinal_ex(context, out, NULL);
    EVP_MD_CTX_free(context);
}

static void join_same(struct guess *guess, struct guess_asker who)
{
    if (guess->n_same == SAME_MAX || guess->home->n_waiting >= WAITING_MAX) {
        who.turn(who.arg, ERR_OVERLOADED, RETRY_MS, NULL);
        return;
    }
    guess->same = mem_one_more(guess->same, guess->n_same, &guess->cap, sizeof who);
    guess->same[guess->n_same++] = who;
    guess->home->n_waiting++;
}

static struct guess *add_guess(struct guesses *guesses, struct address_lane *lane, const unsigned char *digest,
    struct str address, struct guess_asker who)
{
    struct guess *guess = mem_zero(sizeof *guess);

    guess->home = guesses;
    guess->lane = lane;
    guess->first = who;
    memcpy(guess->digest, digest, GUESS_DIGEST_BYTES);
    memcpy(guess->address, address.at, address.len);
    HASH_ADD(hh, guesses->table, digest, GUESS_DIGEST_BYTES, guess);
    return guess;
}

/* The one that waits already came before: it goes first. */
static void begin_new(struct guesses *guesses, const unsigned char *digest, struct str address, struct guess_asker who)
{
    struct address_lane *lane = get_lane(guesses, address);

    if (lane->n_queued == 0 && may_go(lane)) {
        give_turn(add_guess(guesses, lane, digest, address, who));
    } else if (lane->n_queued < QUEUE_MAX && guesses->n_waiting < WAITING_MAX) {
        join_queue(add_guess(guesses, lane, digest, address, who));
    } else {
        int64_t retry_ms = retry_after(lane);
        metric_add(guesses->refused, 1);
        drop_lane_if_idle(lane);
        who.turn(who.arg, ERR_RATE_LIMITED, retry_ms, NULL);
    }
}

void guess_begin(struct guesses *guesses, const unsigned char digest[GUESS_DIGEST_BYTES], struct str address,
    guess_turn *turn, void *arg)
{
    struct guess_asker who = { turn, arg };
    struct guess *same;

    if (address.len > ADDRESS_MAX) address.len = ADDRESS_MAX;
    HASH_FIND(hh, guesses->table, digest, GUESS_DIGEST_BYTES, same);
    if (guesses->closing)
        turn(arg, ERR_SHUTTING_DOWN, 0, NULL);
    else if (find_known(guesses, digest) != NULL)
        present_known(guesses, digest, address, who);
    else if (same != NULL)
        join_same(same, who);
    else
        begin_new(guesses, digest, address, who);
    CHECK_STEP(guesses_check(guesses));
}

/* Only the holder of the credential hears anything else than that it is none, or that a service is at fault. */
static bool is_good(enum err e)
{
    return e == OK || (err_status(e) < 500 && !refusal_is_of_credential(e) && e != ERR_RATE_LIMITED);
}

bool guess_is_known(const struct guess *guess)
{
    return guess->lane == NULL;
}

static int64_t count_refusal(struct guesses *guesses, const struct guess *guess)
{
    forget_known(guesses, find_known(guesses, guess->digest));
    return rates_take(guesses->rates, RATE_auth, str_of(guess->address), clock_mono_us());
}

int64_t guess_end(struct guess *guess, enum err e)
{
    struct guesses *guesses = guess->home;
    struct address_lane *lane = guess->lane;
    int64_t retry_ms = refusal_is_of_credential(e) ? count_refusal(guesses, guess) : 0;

    if (is_good(e)) remember_known(guesses, guess->digest);
    if (lane != NULL) {
        leave_table(guess);
        tell_same(guess, is_good(e) ? OK : retry_ms > 0 ? ERR_RATE_LIMITED : e, retry_ms);
        lane->under_way--;
        run_lane(lane);
    }
    free_guess(guess);
    CHECK_STEP(guesses_check(guesses));
    return retry_ms;
}

int64_t guess_count_token(struct rates *rates, struct str address, enum err *e)
{
    int64_t retry_ms = *e == ERR_TOKEN_INVALID ? rates_take(rates, RATE_auth, address, clock_mono_us()) : 0;

    if (retry_ms > 0) *e = ERR_RATE_LIMITED;
    return retry_ms;
}

struct guesses *guesses_create(struct ev_loop *loop, struct rates *rates, int64_t wait_ms)
{
    struct guesses *guesses = mem_zero(sizeof *guesses);

    guesses->loop = loop;
    guesses->rates = rates;
    guesses->wait_ms = wait_ms;
    guesses->refused =
        metric_counter("madang_guesses_refused_total", "", "Unknown credentials refused before anybody was asked");
    ev_timer_init(&guesses->tick, on_tick, TICK_S, TICK_S);
    guesses->tick.data = guesses;
    return guesses;
}

void guesses_close(struct guesses *guesses)
{
    struct guess *guess, *next;

    guesses->closing = true;
    ev_timer_stop(guesses->loop, &guesses->tick);
    HASH_ITER(hh, guesses->table, guess, next) {
        guess->until_us = 0; /* its time is over: the queue is emptied */
    }
    on_tick(guesses->loop, &guesses->tick, 0);
}

void guesses_destroy(struct guesses **guesses)
{
    if (*guesses == NULL) return;
    assert((*guesses)->table == NULL && (*guesses)->lanes == NULL);
    while ((*guesses)->known != NULL) forget_known(*guesses, (*guesses)->known);
    mem_free(*guesses);
    *guesses = NULL;
}
