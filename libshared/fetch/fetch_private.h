/* fetch_private.h - what the files of fetch/ share: fetch.c has the requests, fetch_loop.c the sockets and timers. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <curl/curl.h>
#include <ev.h>

#include "libshared/base/arena.h"
#include "libshared/base/buf.h"
#include "libshared/fetch/fetch.h"

#define FETCH_MAIL_BYTES_MAX 131072 /* of a message */
#define FETCH_MAIL_LINE_MAX  512    /* of what the server says */

enum fetch_state { FETCH_WAITS, FETCH_RUNS, FETCH_ENDED };

struct fetch {
    struct fetcher *home;
    enum fetch_state state;
    struct fetch *prev, *next; /* in the list of its state */
    fetch_done_fn *done;
    void *arg;
    struct arena *arena; /* the request's texts */
    CURL *easy;
    struct curl_slist *headers;
    const char *host; /* with its port: "example.org:443" */
    const char *const *types;
    size_t answer_max, header_bytes;
    enum fetch_result result; /* what was found before curl says so */
    struct buf body;
    struct {
        struct curl_slist *to;
        struct str unread; /* of the message */
        bool is_mail, was_read;
    } mail;
    char content_type[128], location[2048], retry_after[64], etag[256]; /* empty: no such header */
};

struct fetcher {
    struct ev_loop *loop;
    struct fetcher_config config;
    CURLM *multi;
    ev_timer timer;
    ev_prepare ended_soon; /* what ended within fetch_start() is told from the loop */
    struct fetch *waiting, *running, *ended;
    unsigned n_waiting, n_running;
    struct curl_slist *hosts;
    struct metric *results[FETCH_RESULTS];
};

/* fetch_request.c: a request as curl has it. */
enum fetch_result fetch_prepare(struct fetch *fetch, const struct fetch_request *request);
enum fetch_result fetch_judge_url(struct fetch *fetch, const char *text);
void fetch_set_guards(struct fetch *fetch, const char *protocols, int64_t timeout_ms);

/* fetch_mail.c: a mail as curl has it, and what became of it. */
enum fetch_result fetch_mail_prepare(struct fetch *fetch, const struct fetch_mail *mail);
/* The server has judged it, for good or not; else `code` says what happened. */
bool fetch_mail_is_judged(struct fetch *fetch, CURLcode code);

/* fetch_answer.c */
size_t fetch_take_header(char *at, size_t size, size_t n, void *arg);
size_t fetch_take_body(char *at, size_t size, size_t n, void *arg);
struct fetch_answer fetch_answer_of(const struct fetch *fetch);

/* fetch_loop.c: curl's sockets and timer on the loop. */
void fetch_loop_begin(struct fetcher *fetcher);
void fetch_loop_end(struct fetcher *fetcher);
/* fetch.c: after curl has worked, the owners of finished requests are told. */
void fetcher_collect(struct fetcher *fetcher);
