/* key_uses.c - uses of API keys over REST are counted, and told to auth. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/identity/key_uses.h"

#include <ev.h>
#include <string.h>

#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/base/metrics.h"
#include "libshared/base/table.h"
#include "services/gateway/methods.h"

#define COUNTED_MAX 10000
#define BATCH_ROWS  500 /* proto/auth.def: key_minute_batch.minutes */
#define TICK_S      5.
#define MINUTE_MS   60000

struct minute_of_key {
    int64_t minute;
    char key[33]; /* proto/auth.def: key_minute.key */
};

struct counted_use {
    struct minute_of_key place;
    int64_t uses, told, asked; /* of them auth has `told`, and is told `asked` just now */
    UT_hash_handle hh;         /* in the order of their coming */
};

struct key_uses {
    struct ev_loop *loop;
    const struct service_pipes *auth;
    struct id gateway;
    struct counted_use *counted;
    bool asking;
    ev_timer tick;
    struct metric *noted, *lost;
};

/* --- counting --- */

static struct counted_use *find_counted(struct key_uses *uses, const struct minute_of_key *place)
{
    struct counted_use *one;

    HASH_FIND(hh, uses->counted, place, sizeof *place, one);
    if (one != NULL || HASH_COUNT(uses->counted) >= COUNTED_MAX) return one;
    one = mem_zero(sizeof *one);
    one->place = *place;
    HASH_ADD(hh, uses->counted, place, sizeof one->place, one);
    return one;
}

void key_uses_note(struct key_uses *uses, struct str key)
{
    struct minute_of_key place;

    if (uses == NULL || key.len == 0 || key.len >= sizeof place.key) return;
    memset(&place, 0, sizeof place); /* it is compared as bytes */
    place.minute = clock_ms() / MINUTE_MS * MINUTE_MS;
    memcpy(place.key, key.at, key.len);
    struct counted_use *one = find_counted(uses, &place);
    if (one != NULL)
        one->uses++;
    else
        metric_add(uses->lost, 1);
}

/* --- telling --- */

static void ask_on(struct key_uses *uses);

/* A minute that is over and told is of no more use; the clock may go back: it is then counted anew, by the same gateway, as fewer. */
static void settle_minutes(struct key_uses *uses, bool taken)
{
    int64_t before = clock_ms() - 2 * MINUTE_MS;
    struct counted_use *one, *next;

    HASH_ITER(hh, uses->counted, one, next) {
        if (taken && one->asked > 0) {
            metric_add(uses->noted, one->asked - one->told);
            one->told = one->asked;
        }
        one->asked = 0;
        if (one->told < one->uses || one->place.minute > before) continue;
        HASH_DEL(uses->counted, one);
        mem_free(one);
    }
}

/* Whatever auth did not take is told again, with what has come since. */
static void on_noted(void *arg, enum err status, struct str body)
{
    struct key_uses *uses = arg;

    (void)body;
    uses->asking = false;
    if (status != OK) LOG_BOUNDED(WARN, "gateway.key_uses_not_noted", F_TEXT("code", err_code(status)));
    settle_minutes(uses, status == OK);
    if (status == OK) ask_on(uses);
}

static void ask_on(struct key_uses *uses)
{
    struct key_minute rows[BATCH_ROWS];
    struct counted_use *one, *next;
    size_t n = 0;

    if (uses->asking) return;
    HASH_ITER(hh, uses->counted, one, next) {
        if (n == BATCH_ROWS) break;
        if (one->told == one->uses) continue;
        one->asked = one->uses;
        rows[n++] = (struct key_minute){ str_of(one->place.key), one->place.minute, one->uses };
    }
    if (n == 0) return;
    uses->asking = true;
    method_ask(uses->auth, M_auth_key_use_note,
        &(struct key_minute_batch){ .gateway = uses->gateway, .minutes = { rows, n } }, on_noted, uses);
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop, (void)events;
    ask_on(timer->data);
}

/* --- its life --- */

struct key_uses *key_uses_create(struct ev_loop *loop, const struct service_pipes *auth)
{
    static const char name[] = "madang_key_uses_total",
                      doc[] = "REST requests with API keys and their tokens, for auth's record";
    struct key_uses *uses = mem_zero(sizeof *uses);

    uses->loop = loop;
    uses->auth = auth;
    uses->gateway = id_new();
    uses->noted = metric_counter(name, "end=\"noted\"", doc);
    uses->lost = metric_counter(name, "end=\"left_out\"", doc);
    ev_timer_init(&uses->tick, on_tick, TICK_S, TICK_S);
    uses->tick.data = uses;
    ev_timer_start(loop, &uses->tick);
    return uses;
}

void key_uses_destroy(struct key_uses **key_uses)
{
    struct key_uses *uses = *key_uses;
    struct counted_use *one, *next;

    if (uses == NULL) return;
    ev_timer_stop(uses->loop, &uses->tick);
    HASH_ITER(hh, uses->counted, one, next) {
        HASH_DEL(uses->counted, one);
        mem_free(one);
    }
    mem_free(uses);
    *key_uses = NULL;
}
