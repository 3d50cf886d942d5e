/* metrics.c - counters, gauges and histograms: registered under a lock, changed without one. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* Upper bounds of the buckets, in microseconds; one more takes the rest. */
static const int64_t BOUNDS_US[] = {
    50,
    100,
    250,
    500,
    1000,
    2500,
    5000,
    10000,
    25000,
    50000,
    100000,
    250000,
    500000,
    1000000,
    2500000,
    5000000,
    10000000,
};

struct metric {
    enum metric_kind { COUNTER, GAUGE, HISTOGRAM } kind;
    const char *name, *labels, *help;
    struct metric *next;   /* those of one name stand together, as Prometheus wants it */
    _Atomic int64_t value; /* of a histogram: the sum */
    _Atomic int64_t buckets[COUNT(BOUNDS_US) + 1];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct metric *first;

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Behind the last of its name, or at the end. */
static struct metric **place_for(const char *name)
{
    struct metric **end = &first, **place = NULL;
    for (; *end != NULL; end = &(*end)->next)
        if (strcmp((*end)->name, name) == 0) place = &(*end)->next;
    return place != NULL ? place : end;
}

static struct metric *find_metric(const char *name, const char *labels)
{
    for (struct metric *m = first; m != NULL; m = m->next)
        if (strcmp(m->name, name) == 0 && same_text(m->labels, labels)) return m;
    return NULL;
}

static const char *copy_text(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(mem_alloc(size), text, size);
}

static struct metric *metric_make(enum metric_kind kind, const char *name, const char *labels, const char *help)
{
    pthread_mutex_lock(&lock);
    struct metric *metric = find_metric(name, labels);
    if (metric == NULL) {
        struct metric **place = place_for(name);
        metric = mem_zero(sizeof *metric);
        metric->kind = kind;
        metric->name = name;
        metric->labels = labels != NULL ? copy_text(labels) : NULL;
        metric->help = help;
        metric->next = *place;
        *place = metric;
    }
    assert(metric->kind == kind);
    pthread_mutex_unlock(&lock);
    return metric;
}

struct metric *metric_counter(const char *name, const char *labels, const char *help)
{
    return metric_make(COUNTER, name, labels, help);
}

struct metric *metric_gauge(const char *name, const char *labels, const char *help)
{
    return metric_make(GAUGE, name, labels, help);
}

struct metric *metric_histogram_us(const char *name, const char *labels, const char *help)
{
    return metric_make(HISTOGRAM, name, labels, help);
}

void metric_label(const char *name, struct str value, struct buf *out)
{
    buf_printf(out, "%s=\"", name);
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] == '"' || value.at[i] == '\\') buf_add_char(out, '\\');
        buf_add_char(out, value.at[i] == '\n' ? ' ' : value.at[i]);
    }
    buf_add_str(out, STR("\""));
    buf_add_char(out, '\0');
}

void metric_add(struct metric *metric, int64_t n)
{
    atomic_fetch_add_explicit(&metric->value, n, memory_order_relaxed);
}

void metric_set(struct metric *metric, int64_t n)
{
    atomic_store_explicit(&metric->value, n, memory_order_relaxed);
}

void metric_observe_us(struct metric *metric, int64_t us)
{
    size_t bucket = 0;
    while (bucket < COUNT(BOUNDS_US) && us > BOUNDS_US[bucket]) bucket++;
    atomic_fetch_add_explicit(&metric->buckets[bucket], 1, memory_order_relaxed);
    metric_add(metric, us);
}

int64_t metric_value(const struct metric *metric)
{
    return atomic_load_explicit(&metric->value, memory_order_relaxed);
}

static void print_line(const struct metric *m, struct buf *out)
{
    if (m->labels != NULL)
        buf_printf(out, "%s{%s} %" PRId64 "\n", m->name, m->labels, metric_value(m));
    else
        buf_printf(out, "%s %" PRId64 "\n", m->name, metric_value(m));
}

static void print_bucket(const struct metric *m, const char *le, int64_t n, struct buf *out)
{
    buf_printf(out, "%s_bucket{%s%sle=\"%s\"} %" PRId64 "\n", m->name, m->labels ? m->labels : "", m->labels ? "," : "",
        le, n);
}

static void print_total(const struct metric *m, const char *what, const char *value, struct buf *out)
{
    buf_printf(out, "%s_%s%s%s%s %s\n", m->name, what, m->labels ? "{" : "", m->labels ? m->labels : "",
        m->labels ? "}" : "", value);
}

static void print_histogram(const struct metric *m, struct buf *out)
{
    int64_t n = 0;
    char text[40];
    for (size_t i = 0; i < COUNT(BOUNDS_US); i++) {
        n += atomic_load_explicit(&m->buckets[i], memory_order_relaxed);
        snprintf(text, sizeof text, "%g", (double)BOUNDS_US[i] / 1e6);
        print_bucket(m, text, n, out);
    }
    n += atomic_load_explicit(&m->buckets[COUNT(BOUNDS_US)], memory_order_relaxed);
    print_bucket(m, "+Inf", n, out);
    snprintf(text, sizeof text, "%.6f", (double)metric_value(m) / 1e6);
    print_total(m, "sum", text, out);
    snprintf(text, sizeof text, "%" PRId64, n);
    print_total(m, "count", text, out);
}

void metrics_print(struct buf *out)
{
    static const char *const KINDS[] = { "counter", "gauge", "histogram" };
    const char *name = "";
    pthread_mutex_lock(&lock);
    for (const struct metric *m = first; m != NULL; m = m->next) {
        if (strcmp(m->name, name) != 0)
            buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name, KINDS[m->kind]);
        name = m->name;
        if (m->kind == HISTOGRAM)
            print_histogram(m, out);
        else
            print_line(m, out);
    }
    pthread_mutex_unlock(&lock);
}
