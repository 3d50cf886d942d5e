/*
 * renewal.c - certificates from their files, and again when those change: looked at on a thread, taken on the loop.
 *
 *      SIGHUP, or every few seconds --errand--> other files? --> read --> new handshakes have them, old connections go on
 */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>
#include <stdlib.h>

#include "libshared/base/errand.h"
#include "libshared/base/log.h"
#include "libshared/base/metrics.h"
#include "libshared/http/conn_private.h"

/* Programs renew a certificate at a third of its life, or a quarter: now it is late. */
#define LATE_PERCENT 20
#define WHY_BYTES    400

struct certificates_look {
    const char *chains, *keys; /* the settings' */
    uint64_t mark;             /* of the files that are in use; what is found then */
    bool asked;                /* the mark does not matter */
    struct certificates *read; /* NULL: not read, or no good */
    bool changed;
    char why[WHY_BYTES];
};

/* --- how long they last --- */

static void log_end(const struct certificate *certificate, int64_t percent, time_t now)
{
    int64_t hours = (certificate->until - now) / 3600;

    if (percent < 0)
        LOG(ERROR, "listener.certificate_ended", F_TEXT("path", certificate->path), F_INT("hours_ago", -hours));
    else
        LOG(WARN, "listener.certificate_ends", F_TEXT("path", certificate->path), F_INT("percent_left", percent),
            F_INT("hours_left", hours));
}

static void announce_end(struct http_server *server, size_t i, int64_t percent, time_t now)
{
    const struct http_server_config *config = &server->config;
    const struct certificate *certificate = &server->tls.certificates->at[i];
    int64_t *told = &server->renewal.told[i], was = *told;
    bool is_little = percent <= LATE_PERCENT;

    if (!is_little) *told = LATE_PERCENT + 1;
    if (is_little && percent < was) {
        *told = percent;
        log_end(certificate, percent, now);
    }
    if (*told != was && config->certificate_ends != NULL)
        config->certificate_ends(config->certificate_ends_arg, i, certificate->path, percent, is_little);
}

static void measure_lives(struct http_server *server)
{
    const struct certificates *all = server->tls.certificates;
    time_t now = time(NULL);

    for (size_t i = 0; i < all->n; i++) {
        int64_t percent = certificate_percent_left(&all->at[i], now);
        if (server->config.metrics.life_left[i] != NULL) metric_set(server->config.metrics.life_left[i], percent);
        announce_end(server, i, percent, now);
    }
}

/* --- the files --- */

static void look_at_files(void *work)
{
    struct certificates_look *look = work;
    uint64_t mark = certificates_mark(look->chains, look->keys);

    look->changed = look->asked || mark != look->mark;
    look->mark = mark;
    if (look->changed) look->read = certificates_read(look->chains, look->keys, look->why, sizeof look->why);
}

static void take_files(void *arg, void *work)
{
    struct http_server *server = arg;
    struct certificates_look *look = work;

    server->renewal.mark = look->mark;
    if (look->changed)
        LOG(INFO, "listener.certificate", F_BOOL("loaded", look->read != NULL), F_TEXT("path", look->chains),
            F_TEXT("why", look->read != NULL ? NULL : look->why));
    if (look->read != NULL) {
        tls_take(&server->tls, look->read);
        look->read = NULL;
    }
    measure_lives(server);
    errand_end(&server->renewal.errand);
}

static void discard_files(void *work)
{
    struct certificates_look *look = work;

    certificates_free(&look->read);
    mem_free(look);
}

static void begin_look(struct http_server *server, bool asked)
{
    static const struct errand_kind kind = { look_at_files, take_files, discard_files };
    struct certificates_look *look = mem_zero(sizeof *look);

    look->chains = server->config.tls_cert;
    look->keys = server->config.tls_key;
    look->mark = server->renewal.mark;
    look->asked = asked;
    errand_end(&server->renewal.errand);
    server->renewal.errand = errand_begin(server->loop, &kind, look, server);
}

/* A disk that hangs has one thread of ours. */
static void on_time(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct http_server *server = timer->data;

    (void)loop, (void)events;
    if (server->renewal.errand == NULL) begin_look(server, false);
}

void http_server_reload_certificates(struct http_server *server)
{
    if (server->tls.certificates != NULL) begin_look(server, true);
}

void renewal_begin(struct http_server *server)
{
    const struct http_server_config *config = &server->config;
    struct renewal *renewal = &server->renewal;
    char why[WHY_BYTES];

    for (size_t i = 0; i < CERTIFICATES_MAX; i++) renewal->told[i] = LATE_PERCENT + 1;
    renewal->mark = certificates_mark(config->tls_cert, config->tls_key);
    server->tls.certificates = certificates_read(config->tls_cert, config->tls_key, why, sizeof why);
    if (server->tls.certificates == NULL) {
        fprintf(stderr, "madang: %s\n", why);
        exit(2);
    }
    tickets_begin(&server->tls.tickets, config->tls_secret);
    server->config.tls_secret = NULL; /* the caller forgets it */
    ev_timer_init(&renewal->timer, on_time, config->certificate_seconds, config->certificate_seconds);
    renewal->timer.data = server;
    if (config->certificate_seconds > 0) ev_timer_start(server->loop, &renewal->timer);
    measure_lives(server);
}

void renewal_stop(struct http_server *server)
{
    errand_end(&server->renewal.errand);
    if (server->tls.certificates != NULL) ev_timer_stop(server->loop, &server->renewal.timer);
}

void renewal_end(struct http_server *server)
{
    certificates_free(&server->tls.certificates);
    tickets_end(&server->tls.tickets);
}
