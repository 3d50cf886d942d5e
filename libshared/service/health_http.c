/* health_http.c - a small HTTP server on a thread of its own. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/service/health_http.h"

#include <assert.h>
#include <libwebsockets.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS_MAX 32
#define BODY_MAX        (4u << 20)
#define TIMEOUT_S       5

struct health_http {
    struct lws_context *context;
    pthread_t thread;
    atomic_bool stopping;
    int (*answer)(void *arg, struct str path, struct buf *body);
    void *arg;
};

/* Of one request.  The body begins behind LWS_PRE bytes that lws wants in front. */
struct asked {
    struct buf body;
    int status;
};

static int write_head(struct lws *wsi, const struct asked *asked)
{
    uint8_t head[LWS_PRE + 1024], *start = head + LWS_PRE, *at = start, *end = head + sizeof(head);
    if (lws_add_http_common_headers(wsi, (unsigned)asked->status, "text/plain; version=0.0.4; charset=utf-8",
            asked->body.len - LWS_PRE, &at, end) != 0)
        return -1;
    return lws_finalize_write_http_header(wsi, start, &at, end);
}

static int on_request(struct lws *wsi, struct asked *asked, const char *path)
{
    struct health_http *http = lws_context_user(lws_get_context(wsi));
    static const char pad[LWS_PRE];
    asked->body = BUF(BODY_MAX);
    buf_add(&asked->body, pad, sizeof(pad));
    asked->status = http->answer(http->arg, str_of(path), &asked->body);
    if (asked->body.over || write_head(wsi, asked) != 0) return -1;
    lws_callback_on_writable(wsi);
    return 0;
}

static int on_writable(struct lws *wsi, struct asked *asked)
{
    if (asked->body.len < LWS_PRE) return 0;
    size_t len = asked->body.len - LWS_PRE;
    int written = lws_write(wsi, (unsigned char *)asked->body.at + LWS_PRE, len, LWS_WRITE_HTTP_FINAL);
    buf_free(&asked->body);
    return written < (int)len || lws_http_transaction_completed(wsi) ? -1 : 0;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    switch (reason) {
    case LWS_CALLBACK_HTTP: return on_request(wsi, user, in);
    case LWS_CALLBACK_HTTP_WRITEABLE: return on_writable(wsi, user);
    case LWS_CALLBACK_CLOSED_HTTP:
    case LWS_CALLBACK_HTTP_DROP_PROTOCOL:
        if (user != NULL) buf_free(&((struct asked *)user)->body);
        return 0;
    default: return lws_callback_http_dummy(wsi, reason, user, in, len);
    }
}

static const struct lws_protocols PROTOCOLS[] = {
    { .name = "http", .callback = on_event, .per_session_data_size = sizeof(struct asked) },
    { .name = NULL },
};

static void *serve(void *arg)
{
    struct health_http *http = arg;
    while (!atomic_load(&http->stopping)) lws_service(http->context, 0);
    return NULL;
}

static void die(const char *address)
{
    fprintf(stderr, "health: cannot listen on %s; wants a free address:port\n", address);
    exit(1);
}

static void parse_address(const char *address, char host[64], int *port)
{
    int64_t n = 0;
    const char *colon = strrchr(address, ':');
    if (colon == NULL || colon - address >= 64 || !str_to_int(str_of(colon + 1), &n) || n < 1 || n > 65535)
        die(address);
    snprintf(host, 64, "%.*s", (int)(colon - address), address);
    *port = (int)n;
}

/* The loop's thread is where signals go. */
static void start_thread(struct health_http *http)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&http->thread, NULL, serve, http);
    assert(rc == 0 && "threads are to be had at the start");
    (void)rc;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

struct health_http *health_http_create(const char *address, int (*answer)(void *, struct str, struct buf *), void *arg)
{
    struct health_http *http = mem_zero(sizeof(*http));
    char host[64];
    int port;
    parse_address(address, host, &port);
    http->answer = answer;
    http->arg = arg;
    lws_set_log_level(LLL_ERR, NULL);
    struct lws_context_creation_info info = {
        .port = port,
        .iface = host,
        .protocols = PROTOCOLS,
        .user = http,
        .gid = -1,
        .uid = -1,
        .options = LWS_SERVER_OPTION_DISABLE_IPV6 | LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND,
        .fd_limit_per_thread = CONNECTIONS_MAX,
        .timeout_secs = TIMEOUT_S,
        .keepalive_timeout = TIMEOUT_S,
        .vhost_name = "health",
        .server_string = "madang",
    };
    http->context = lws_create_context(&info);
    if (http->context == NULL) die(address);
    start_thread(http);
    return http;
}

void health_http_destroy(struct health_http **http)
{
    struct health_http *h = *http;
    if (h == NULL) return;
    atomic_store(&h->stopping, true);
    lws_cancel_service(h->context);
    pthread_join(h->thread, NULL);
    lws_context_destroy(h->context);
    mem_free(h);
    *http = NULL;
}
