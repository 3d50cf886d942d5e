/*
 * fetch.h - the one door outwards: HTTP requests to other people's servers, and mails to the operator's, on the loop.
 *
 *      fetch_start --> URL judged --> waits for a turn --> name resolved --> address judged --> connected --> answer
 *                          |                                                      |
 *                          +---------------------- refused -----------------------+
 *
 * A URL may come from a user, and so may the server behind it. So the scheme and the port are those of a list, the address
 * is judged when it is connected to (a name that resolves to another address the second time gains nothing), no redirect
 * is followed, nothing comes from the environment's proxies, no cookie and no password in a URL is sent, the answer is not
 * inflated, and size and time are bounded. What waits and runs is bounded, too, for each host and for all.
 *
 * The server that takes our mails is the operator's own choice: its address may be any. Connections to it are kept.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

struct ev_loop;
struct fetch;
struct fetcher;
struct network_list;

#define FETCH_PORTS_MAX 8

struct fetcher_config {
    const char *user_agent;
    const char *ca_file;               /* NULL: the system's */
    const struct network_list *inside; /* networks that are not public and may be reached all the same; NULL: none */
    bool plain;                        /* http, beside https */
    int ports[FETCH_PORTS_MAX];        /* that may be connected to; none: 443, and 80 where `plain` */
    unsigned running_max, waiting_max; /* requests at a time, and behind them */
    unsigned host_max;                 /* of the running ones, to one host */
    const char *const *hosts;          /* "name:port:address" instead of DNS, NULL at the end; NULL: none */
};

/* Why there is no answer; FETCH_ANSWERED: there is one, whatever its status. */
enum fetch_result {
    FETCH_ANSWERED,
    FETCH_BAD_URL, /* or a header that would be two */
    FETCH_SCHEME_REFUSED,
    FETCH_PORT_REFUSED,
    FETCH_ADDRESS_REFUSED, /* not of the public Internet */
    FETCH_NOT_RESOLVED,
    FETCH_NOT_CONNECTED,
    FETCH_TLS_FAILED,
    FETCH_TYPE_REFUSED, /* a Content-Type that is not one of the wanted */
    FETCH_TOO_LARGE,
    FETCH_TIMEOUT,
    FETCH_BROKEN,        /* the answer is no HTTP, or was cut */
    FETCH_OVERLOADED,    /* too many wait */
    FETCH_LOGIN_REFUSED, /* by the mail server: user or password */
    FETCH_RESULTS
};
const char *fetch_result_code(enum fetch_result result); /* "address_refused" */

struct fetch_header {
    const char *name;
    struct str value;
};
/* Copied by fetch_start(). */
struct fetch_request {
    const char *method;
    struct str url;
    const struct fetch_header *headers;
    size_t n_headers;
    struct str body;          /* STR_NONE: none */
    const char *const *types; /* media types that are wanted, NULL at the end; NULL: any */
    size_t answer_max;        /* bytes of the answer's body */
    int64_t timeout_ms;       /* from its turn on */
};
/* Valid during the call. */
struct fetch_answer {
    enum fetch_result result;
    int status;
    struct str content_type, location, retry_after, etag; /* STR_NONE: no such header */
    struct str body;
};
/* Comes once, never from within fetch_start(). */
typedef void fetch_done_fn(void *arg, const struct fetch_answer *answer);

struct fetcher *fetcher_create(struct ev_loop *loop, const struct fetcher_config *config);
void fetcher_destroy(struct fetcher **fetcher); /* those that wait hear nothing more */
bool fetcher_is_plain(
    const struct fetcher *fetcher); /* it goes by http, too: for URLs that others shall go to, as ours do */

/* Copied by fetch_mail(). */
struct fetch_mail {
    struct str url;              /* smtp://host:port, smtps://host:port */
    bool plain;                  /* without TLS, else STARTTLS or smtps:// is required */
    const char *user, *password; /* NULL: none */
    struct str greeting;         /* who we are: the name in EHLO */
    struct str from, to;         /* addresses alone */
    struct str message;          /* as RFC 5322 has it, lines that end in CRLF */
    int64_t timeout_ms;
};

/* FETCH_ANSWERED: the server has judged this mail, `status` is its code (250: it has it) and `body` the line with
 * which it refused. A server that refuses us before it knows the mail is FETCH_BROKEN. */
struct fetch *fetch_mail(struct fetcher *fetcher, const struct fetch_mail *mail, fetch_done_fn *done, void *arg);
struct fetch *fetch_start(struct fetcher *fetcher, const struct fetch_request *request, fetch_done_fn *done, void *arg);
void fetch_cancel(struct fetch **fetch); /* `done` does not come; not from within it */
size_t fetcher_running(const struct fetcher *fetcher);
size_t fetcher_waiting(const struct fetcher *fetcher);
