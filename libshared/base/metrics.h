/*
 * metrics.h - counters, gauges and histograms, printed as Prometheus text.
 *
 * Registered at start-up, changed from any thread without locks, never removed.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/buf.h"

struct metric;

/* `name="value"` with what needs it escaped, and a NUL behind it. */
void metric_label(const char *name, struct str value, struct buf *out);

/* `labels`, such as "method=\"room.create\"", are copied, name and help are constants.  The same name and labels give the
 * same metric. */
struct metric *metric_counter(const char *name, const char *labels, const char *help);
struct metric *metric_gauge(const char *name, const char *labels, const char *help);
struct metric *metric_histogram_us(const char *name, const char *labels, const char *help); /* seconds when printed */
void metric_add(struct metric *metric, int64_t n);
void metric_set(struct metric *metric, int64_t n);
void metric_observe_us(struct metric *metric, int64_t us);
int64_t metric_value(const struct metric *metric);
void metrics_print(struct buf *out);
