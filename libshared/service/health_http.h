/* health_http.h - a small HTTP server on a thread of its own, for what an operator's tools ask. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/buf.h"

struct health_http;

/* `answer(arg, path, body)` runs on that thread and returns the status; 404 for what it doesn't know.
 * address: "127.0.0.1:9101".  Exits with a clear line if it can't listen there. */
struct health_http *health_http_create(
    const char *address, int (*answer)(void *arg, struct str path, struct buf *body), void *arg);
void health_http_destroy(struct health_http **http);
