/*
 * measures.h - what /metrics says of routes, events and refusals.
 *
 * Labels are rows of proto/: nothing that a client says becomes one.  A row is printed from its first use on.  Loop thread.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"
#include "services/gateway/routes/rows.h"

/* An HTTP request was answered; row NULL: no route is there. */
void measure_route(const struct route_row *row, int status, const char *code, int64_t us);
/* An event was answered, or refused before anybody was asked (us 0); row NULL: it is carried to its room, or nobody knows it. */
void measure_event(const struct event_row *row, enum err e, int64_t us);
