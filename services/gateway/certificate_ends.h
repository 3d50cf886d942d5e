/*
 * certificate_ends.h - certificates that should have been renewed by now, for auth, which makes an alert of them.
 *
 *      note --> a moment later, as all are looked at together: certificate.report --refused, or auth is away--> again
 *
 * All that are late are told together: the alert of a day names them.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct certificate_ends;
struct ev_loop;
struct service_pipes;

struct certificate_ends *certificate_ends_create(struct ev_loop *loop, const struct service_pipes *auth);
void certificate_ends_destroy(struct certificate_ends **ends); /* after the pipe: nothing is answered any more */
/* libshared/http/http_server.h: certificate_ends */
void certificate_ends_note(void *ends, size_t i, const char *path, int64_t percent, bool is_little);
