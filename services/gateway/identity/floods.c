/* floods.c - refusals of ten seconds, by what was refused to whom. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/identity/floods.h"

#include <ev.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/base/log.h"
#include "libshared/base/network.h"
#include "libshared/base/table.h"
#include "services/gateway/methods.h"

#define TICK_S     10.
#define ROWS_MAX   100 /* proto/auth.def: flood_batch.floods */
#define ENTRIES    10000
#define LARGE      100 /* refusals within a tick */
#define CONNECTION RATE_COUNT

struct flood_count {
    int64_t times;
    enum rate rate; /* CONNECTION: none */
    UT_hash_handle hh;
    size_t len;
    char name[]; /* the rate in one byte, then who */
};

struct floods {
    struct ev_loop *loop;
    const struct service_pipes *auth;
    struct flood_count *table;
    ev_timer tick;
    bool asking;
};

static void note_flood(struct floods *floods, enum rate rate, struct str who)
{
    char name[1 + RATES_WHO_MAX];
    size_t len = 1 + (who.len < RATES_WHO_MAX ? who.len : RATES_WHO_MAX);
    struct flood_count *entry;

    name[0] = (char)rate;
    if (len > 1) memcpy(name + 1, who.at, len - 1);
    HASH_FIND(hh, floods->table, name, len, entry);
    if (entry == NULL) {
        if (HASH_COUNT(floods->table) >= ENTRIES) return;
        entry = mem_zero(sizeof *entry + len);
        entry->rate = rate;
        entry->len = len;
        memcpy(entry->name, name, len);
        HASH_ADD_KEYPTR(hh, floods->table, entry->name, entry->len, entry);
    }
    entry->times++;
}

void floods_note_rate(void *floods, enum rate rate, struct str who)
{
    bool is_known = rate_by(rate) != BY_CONNECTION && rate_by(rate) != BY_SESSION; /* to an operator */

    if (who.len > 0 && is_known) note_flood(floods, rate, who);
}

void floods_note_connection(void *floods, const struct in6_addr *from)
{
    struct in6_addr block = address_block(from);
    char text[INET6_ADDRSTRLEN];

    address_print(&block, text);
    note_flood(floods, CONNECTION, str_of(text));
}

/* --- telling --- */

/* That credentials are refused at all to an address for their number is news. */
static bool is_large(const struct flood_count *entry)
{
    return entry->times >= LARGE || entry->rate == RATE_auth;
}

static int compare_times(const void *a, const void *b)
{
    const struct flood_count *const *x = a, *const *y = b;

    return ((*x)->times < (*y)->times) - ((*x)->times > (*y)->times);
}

static struct flood describe_flood(const struct flood_count *entry)
{
    struct str who = { entry->name + 1, entry->len - 1 };
    struct flood flood = { .kind = STR("connection_flood"), .address = who, .times = entry->times };

    if (entry->rate == CONNECTION) return flood;
    enum rate_by by = rate_by(entry->rate);
    flood.kind = entry->rate == RATE_auth ? STR("repeated_failures") : STR("request_flood");
    flood.rate = str_of(rate_name(entry->rate));
    if (by != BY_ADDRESS) flood.address = STR_NONE;
    if (by == BY_KEY) flood.key = who;
    if (by == BY_SUBJECT || by == BY_USER) flood.subject = who;
    return flood;
}

static void on_reported(void *arg, enum err status, struct str body)
{
    struct floods *floods = arg;

    (void)body;
    floods->asking = false;
    if (status != OK) LOG_BOUNDED(WARN, "gateway.floods_not_reported", F_TEXT("code", err_code(status)));
}

static void report_floods(struct floods *floods)
{
    const struct flood_count **large = mem_zero((HASH_COUNT(floods->table) + 1) * sizeof *large);
    struct flood rows[ROWS_MAX];
    size_t n = 0;

    for (const struct flood_count *entry = floods->table; entry != NULL; entry = entry->hh.next)
        if (is_large(entry)) large[n++] = entry;
    qsort(large, n, sizeof *large, compare_times);
    if (n > ROWS_MAX) n = ROWS_MAX;
    for (size_t i = 0; i < n; i++) rows[i] = describe_flood(large[i]);
    if (n > 0) {
        floods->asking = true;
        method_ask(floods->auth, M_auth_flood_report, &(struct flood_batch){ { rows, n } }, on_reported, floods);
    }
    mem_free(large);
}

static void forget_all(struct floods *floods)
{
    while (floods->table != NULL) {
        struct flood_count *entry = floods->table;
        HASH_DEL(floods->table, entry);
        mem_free(entry);
    }
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct floods *floods = timer->data;

    (void)loop, (void)events;
    if (!floods->asking) report_floods(floods);
    forget_all(floods);
}

/* --- its life --- */

struct floods *floods_create(struct ev_loop *loop, const struct service_pipes *auth)
{
    struct floods *floods = mem_zero(sizeof *floods);

    floods->loop = loop;
    floods->auth = auth;
    ev_timer_init(&floods->tick, on_tick, TICK_S, TICK_S);
    floods->tick.data = floods;
    ev_timer_start(loop, &floods->tick);
    return floods;
}

void floods_destroy(struct floods **floods)
{
    if (*floods == NULL) return;
    ev_timer_stop((*floods)->loop, &(*floods)->tick);
    forget_all(*floods);
    mem_free(*floods);
    *floods = NULL;
}
