/* measures.c - how each route and event ended, and how long it took. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/routes/measures.h"

#include <stdio.h>
#include <string.h>

#include "libshared/base/metrics.h"
#include "services/gateway/identity/refusal.h"

#define NAME_BYTES 200

/* clang-format off */
enum {
    ROUTES = 0
#define ROUTE(...) + 1
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
};
enum {
    EVENTS = 0
#define ON(...) + 1
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
};
/* clang-format on */

/* refused: it is the client's; failed: it is ours, or nobody was there. */
enum outcome { ENDED_OK, ENDED_REFUSED, ENDED_FAILED, OUTCOMES };
static const char *const outcomes[] = { "ok", "refused", "failed" };

struct measure {
    struct metric *ended[OUTCOMES], *took;
};

/* What the metrics of one kind of row are called. */
struct measured_kind {
    const char *ended, *ended_help, *took, *took_help;
};
static const struct measured_kind of_routes = {
    "madang_http_requests_total",
    "HTTP requests answered",
    "madang_http_seconds",
    "From the headers of a request to its answer, or to where its bytes begin",
};
static const struct measured_kind of_events = {
    "madang_events_total",
    "Events answered, or refused",
    "madang_event_seconds",
    "From an event to its answer",
};

static enum outcome outcome_of(int status)
{
    return status < 400 ? ENDED_OK : status < 500 ? ENDED_REFUSED : ENDED_FAILED;
}

/* Once for a row and an outcome: putting names together for each message was a fiftieth of what it cost. */
static void name_measure(struct measure *m, const struct measured_kind *kind, const char *name, enum outcome outcome)
{
    char label[NAME_BYTES + 40];

    snprintf(label, sizeof label, "%s,outcome=\"%s\"", name, outcomes[outcome]);
    m->ended[outcome] = metric_counter(kind->ended, label, kind->ended_help);
    m->took = metric_histogram_us(kind->took, name, kind->took_help);
}

static void count_end(const struct measure *m, enum outcome outcome, int64_t us)
{
    metric_add(m->ended[outcome], 1);
    if (us > 0) metric_observe_us(m->took, us);
}

static void name_route(struct measure *m, const struct route_row *row, enum outcome outcome)
{
    char name[NAME_BYTES] = "route=\"none\"";

    if (row != NULL) snprintf(name, sizeof name, "route=\"%s %s\"", row->http, row->path);
    name_measure(m, &of_routes, name, outcome);
}

static void name_event(struct measure *m, const struct event_row *row, enum outcome outcome)
{
    char name[NAME_BYTES] = "namespace=\"any\",event=\"relayed\"";

    if (row != NULL) snprintf(name, sizeof name, "namespace=\"%s\",event=\"%s\"", row->nsp.at, row->event.at);
    name_measure(m, &of_events, name, outcome);
}

void measure_route(const struct route_row *row, int status, const char *code, int64_t us)
{
    static struct measure measures[ROUTES + 1];
    struct measure *m = &measures[row != NULL ? route_number(row) : ROUTES];
    enum outcome outcome = outcome_of(status);

    if (status >= 400) refusal_count(err_find(code, strlen(code)));
    if (m->ended[outcome] == NULL) name_route(m, row, outcome);
    count_end(m, outcome, us);
}

void measure_event(const struct event_row *row, enum err e, int64_t us)
{
    static struct measure measures[EVENTS + 1];
    struct measure *m = &measures[row != NULL ? event_number(row) : EVENTS];
    enum outcome outcome = outcome_of(err_status(e));

    if (m->ended[outcome] == NULL) name_event(m, row, outcome);
    count_end(m, outcome, us);
}
