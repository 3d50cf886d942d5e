/* fetch.c - requests that wait for their turn, run, and end. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/fetch/fetch_private.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "libshared/base/log.h"
#include "libshared/base/metrics.h"

#define REQUEST_ARENA_BYTES (1u << 18)

const char *fetch_result_code(enum fetch_result result)
{
    static const char *const CODES[FETCH_RESULTS] = {
        [FETCH_ANSWERED] = "answered",
        [FETCH_BAD_URL] = "bad_url",
        [FETCH_SCHEME_REFUSED] = "scheme_refused",
        [FETCH_PORT_REFUSED] = "port_refused",
        [FETCH_ADDRESS_REFUSED] = "address_refused",
        [FETCH_NOT_RESOLVED] = "not_resolved",
        [FETCH_NOT_CONNECTED] = "not_connected",
        [FETCH_TLS_FAILED] = "tls_failed",
        [FETCH_TYPE_REFUSED] = "type_refused",
        [FETCH_TOO_LARGE] = "too_large",
        [FETCH_TIMEOUT] = "timeout",
        [FETCH_BROKEN] = "broken",
        [FETCH_OVERLOADED] = "overloaded",
        [FETCH_LOGIN_REFUSED] = "login_refused",
    };

    return CODES[result];
}

static enum fetch_result result_of(CURLcode code)
{
    switch ((int)code) {
    case CURLE_OK: return FETCH_ANSWERED;
    case CURLE_COULDNT_RESOLVE_HOST: return FETCH_NOT_RESOLVED;
    case CURLE_COULDNT_CONNECT: return FETCH_NOT_CONNECTED;
    case CURLE_OPERATION_TIMEDOUT: return FETCH_TIMEOUT;
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_USE_SSL_FAILED:
    case CURLE_PEER_FAILED_VERIFICATION: return FETCH_TLS_FAILED;
    case CURLE_LOGIN_DENIED: return FETCH_LOGIN_REFUSED;
    default: return FETCH_BROKEN;
    }
}

static void free_fetch(struct fetch *fetch)
{
    if (fetch->easy != NULL) curl_easy_cleanup(fetch->easy);
    curl_slist_free_all(fetch->headers);
    curl_slist_free_all(fetch->mail.to);
    buf_free(&fetch->body);
    arena_destroy(&fetch->arena);
    mem_free(fetch);
}

static void enter_state(struct fetch *fetch, enum fetch_state state)
{
    struct fetcher *fetcher = fetch->home;

    fetch->state = state;
    if (state == FETCH_WAITS) {
        DL_APPEND(fetcher->waiting, fetch);
        fetcher->n_waiting++;
    } else if (state == FETCH_RUNS) {
        DL_APPEND(fetcher->running, fetch);
        fetcher->n_running++;
    } else {
        DL_APPEND(fetcher->ended, fetch);
        ev_feed_event(fetcher->loop, &fetcher->ended_soon, EV_CUSTOM);
    }
}

static void leave_state(struct fetch *fetch)
{
    struct fetcher *fetcher = fetch->home;

    if (fetch->state == FETCH_WAITS) {
        DL_DELETE(fetcher->waiting, fetch);
        assert(fetcher->n_waiting > 0);
        fetcher->n_waiting--;
    } else if (fetch->state == FETCH_RUNS) {
        curl_multi_remove_handle(fetcher->multi, fetch->easy);
        DL_DELETE(fetcher->running, fetch);
        assert(fetcher->n_running > 0);
        fetcher->n_running--;
    } else {
        DL_DELETE(fetcher->ended, fetch);
    }
}

static unsigned running_to(const struct fetcher *fetcher, const char *host)
{
    unsigned n = 0;

    for (const struct fetch *each = fetcher->running; each != NULL; each = each->next)
        n += strcmp(each->host, host) == 0;
    return n;
}

static void run_fetch(struct fetch *fetch)
{
    leave_state(fetch);
    enter_state(fetch, FETCH_RUNS);
    curl_multi_add_handle(fetch->home->multi, fetch->easy);
}

/* In the order in which they came, but for those whose host has as many as it may. */
static void give_turns(struct fetcher *fetcher)
{
    struct fetch *each, *next;

    for (each = fetcher->waiting; each != NULL && fetcher->n_running < fetcher->config.running_max; each = next) {
        next = each->next;
        if (running_to(fetcher, each->host) < fetcher->config.host_max) run_fetch(each);
    }
}

static void tell_caller(struct fetch *fetch)
{
    struct fetch_answer answer = fetch_answer_of(fetch);

    leave_state(fetch);
    metric_add(fetch->home->results[fetch->result], 1);
    LOG(DEBUG, "fetch.done", F_TEXT("host", fetch->host), F_TEXT("result", fetch_result_code(fetch->result)),
        F_INT("status", answer.status));
    fetch->done(fetch->arg, &answer);
    free_fetch(fetch);
}

/* A caller that is told may start and cancel other requests. */
static void tell_ended(struct fetcher *fetcher)
{
    while (fetcher->ended != NULL) tell_caller(fetcher->ended);
}

void fetcher_collect(struct fetcher *fetcher)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(fetcher->multi, &left)) != NULL) {
        struct fetch *fetch;
        CURLcode code = message->data.result; /* the message goes with its handle */
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &fetch);
        if (fetch->result == FETCH_ANSWERED && !(fetch->mail.is_mail && fetch_mail_is_judged(fetch, code)))
            fetch->result = result_of(code);
        leave_state(fetch);
        enter_state(fetch, FETCH_ENDED);
    }
    give_turns(fetcher);
}

static void on_ended(struct ev_loop *loop, ev_prepare *prepare, int events)
{
    (void)loop, (void)events;
    tell_ended(prepare->data);
}

static void make_metrics(struct fetcher *fetcher)
{
    char label[64];

    for (int i = 0; i < FETCH_RESULTS; i++) {
        snprintf(label, sizeof label, "result=\"%s\"", fetch_result_code((enum fetch_result)i));
        fetcher->results[i] = metric_counter("madang_fetches_total", label, "Requests to other people's servers");
    }
}

struct fetcher *fetcher_create(struct ev_loop *loop, const struct fetcher_config *config)
{
    struct fetcher *fetcher = mem_zero(sizeof *fetcher);

    assert(config->running_max > 0 && config->host_max > 0);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    fetcher->loop = loop;
    fetcher->config = *config;
    fetcher->multi = curl_multi_init();
    ev_init(&fetcher->ended_soon, on_ended);
    fetcher->ended_soon.data = fetcher;
    for (const char *const *host = config->hosts; host != NULL && *host != NULL; host++)
        fetcher->hosts = curl_slist_append(fetcher->hosts, *host);
    make_metrics(fetcher);
    fetch_loop_begin(fetcher);
    return fetcher;
}

bool fetcher_is_plain(const struct fetcher *fetcher)
{
    return fetcher->config.plain;
}

static void forget_fetch(struct fetch *fetch)
{
    leave_state(fetch);
    free_fetch(fetch);
}

void fetcher_destroy(struct fetcher **at)
{
    struct fetcher *fetcher = *at;

    if (fetcher == NULL) return;
    while (fetcher->waiting != NULL) forget_fetch(fetcher->waiting);
    while (fetcher->running != NULL) forget_fetch(fetcher->running);
    while (fetcher->ended != NULL) forget_fetch(fetcher->ended);
    fetch_loop_end(fetcher);
    ev_clear_pending(fetcher->loop, &fetcher->ended_soon);
    curl_slist_free_all(fetcher->hosts);
    mem_free(fetcher);
    *at = NULL;
}

static struct fetch *make_fetch(struct fetcher *fetcher, size_t answer_max, fetch_done_fn *done, void *arg)
{
    struct fetch *fetch = mem_zero(sizeof *fetch);

    /* bound: URL_BYTES_MAX, HEADERS_BYTES_MAX and FETCH_MAIL_BYTES_MAX */
    struct arena *arena = arena_create("fetch", REQUEST_ARENA_BYTES);

    *fetch = (struct fetch){
        .home = fetcher, .done = done, .arg = arg, .arena = arena, .host = "", .body = BUF(answer_max)
    };
    return fetch;
}

static bool may_wait(const struct fetcher *fetcher)
{
    return fetcher->n_waiting < fetcher->config.waiting_max;
}

static struct fetch *begin_fetch(struct fetch *fetch, enum fetch_result result)
{
    fetch->result = result;
    enter_state(fetch, result == FETCH_ANSWERED ? FETCH_WAITS : FETCH_ENDED);
    give_turns(fetch->home);
    return fetch;
}

struct fetch *fetch_start(struct fetcher *fetcher, const struct fetch_request *request, fetch_done_fn *done, void *arg)
{
    struct fetch *fetch = make_fetch(fetcher, request->answer_max, done, arg);

    fetch->types = request->types;
    return begin_fetch(fetch, may_wait(fetcher) ? fetch_prepare(fetch, request) : FETCH_OVERLOADED);
}

struct fetch *fetch_mail(struct fetcher *fetcher, const struct fetch_mail *mail, fetch_done_fn *done, void *arg)
{
    struct fetch *fetch = make_fetch(fetcher, FETCH_MAIL_LINE_MAX, done, arg);

    fetch->mail.is_mail = true;
    return begin_fetch(fetch, may_wait(fetcher) ? fetch_mail_prepare(fetch, mail) : FETCH_OVERLOADED);
}

void fetch_cancel(struct fetch **at)
{
    struct fetch *fetch = *at;

    if (fetch == NULL) return;
    struct fetcher *fetcher = fetch->home;
    forget_fetch(fetch);
    *at = NULL;
    give_turns(fetcher);
}

size_t fetcher_running(const struct fetcher *fetcher)
{
    return fetcher->n_running;
}

size_t fetcher_waiting(const struct fetcher *fetcher)
{
    return fetcher->n_waiting;
}
