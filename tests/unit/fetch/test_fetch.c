/* test_fetch.c - the door outwards, against a server of our own on the same loop. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "libshared/base/log.h"
#include "libshared/base/network.h"
#include "libshared/fetch/fetch.h"
#include "libshared/http/http_server.h"
#include "tests/lib/free_port.h"
#include "tests/lib/same_thread.h"
#include "tests/unit/fetch/inner_addresses.h"

static struct http_server *server;
static struct fetcher *fetcher;
static int port;
static char address[32];
static struct network_list loopback = { .n = 1 };
static struct fetcher_config config;

/* --- the server --- */

static struct {
    int requests, waiting_max, waiting;
    struct http *held[64];
    char method[16], header[64], body[64], agent[64], cookie[16];
} seen;

static void copy_text(char *to, size_t size, struct str from)
{
    snprintf(to, size, "%.*s", STR_ARG(from));
}

static void on_echo(void *arg, struct http *http)
{
    struct http_header_out extra[] = { { "Retry-After", STR("7") }, { "ETag", STR("\"e\"") },
        { "Set-Cookie", STR("a=b") } };

    (void)arg;
    seen.requests++;
    copy_text(seen.method, sizeof seen.method, http_method(http));
    copy_text(seen.header, sizeof seen.header, http_header(http, "x-mine"));
    copy_text(seen.agent, sizeof seen.agent, http_header(http, "user-agent"));
    copy_text(seen.cookie, sizeof seen.cookie, http_header(http, "cookie"));
    copy_text(seen.body, sizeof seen.body, http_body(http));
    http_reply(http, 201, "application/json; charset=utf-8", STR("{\"a\":1}"), extra, COUNT(extra));
}

static void on_redirect(void *arg, struct http *http)
{
    char to[64];

    (void)arg;
    snprintf(to, sizeof to, "http://%s/echo", address);
    http_reply(http, 302, "text/plain", STR(""), &(struct http_header_out){ "Location", str_of(to) }, 1);
}

static void on_large(void *arg, struct http *http)
{
    static char bytes[5000];

    (void)arg;
    memset(bytes, 'x', sizeof bytes);
    http_reply(http, 200, "text/plain", (struct str){ bytes, sizeof bytes }, NULL, 0);
}

static void on_hold(void *arg, struct http *http)
{
    (void)arg;
    seen.held[seen.waiting++] = http;
    if (seen.waiting > seen.waiting_max) seen.waiting_max = seen.waiting;
}

static void on_hold_gone(void *arg, struct http *http)
{
    (void)arg;
    for (int i = 0; i < seen.waiting; i++)
        if (seen.held[i] == http) seen.held[i] = seen.held[--seen.waiting];
}

static void answer_held(void)
{
    while (seen.waiting > 0) http_reply(seen.held[--seen.waiting], 200, "text/plain", STR("late"), NULL, 0);
}

static int go_on(void *arg, struct http *http)
{
    (void)arg, (void)http;
    return 0;
}

static const struct http_handler echo = { .begin = go_on, .ready = on_echo };
static const struct http_handler redirect = { .begin = go_on, .ready = on_redirect };
static const struct http_handler large = { .begin = go_on, .ready = on_large };
static const struct http_handler hold = { .begin = go_on, .ready = on_hold, .gone = on_hold_gone };

static int start(void **state)
{
    (void)state;
    log_init("test", LOG_ERROR);
    port = free_port();
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    memset(&seen, 0, sizeof seen);
    loop = ev_loop_new(0);
    server = http_server_create(
        loop, &(struct http_server_config){
                  .http = address, .connections_max = 100, .connections_per_address = 100, .body_max = 1000 });
    http_mount(server, "/echo", &echo, NULL);
    http_mount(server, "/redirect", &redirect, NULL);
    http_mount(server, "/large", &large, NULL);
    http_mount(server, "/hold", &hold, NULL);
    assert_true(network_parse(STR("127.0.0.0/8"), &loopback.at[0]));
    config = (struct fetcher_config){ .user_agent = "madang",
        .inside = &loopback,
        .plain = true,
        .ports = { port },
        .running_max = 4,
        .waiting_max = 6,
        .host_max = 2 };
    fetcher = fetcher_create(loop, &config);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    fetcher_destroy(&fetcher);
    http_server_destroy(&server);
    ev_loop_destroy(loop);
    return 0;
}

/* With other settings. */
static void start_over(void)
{
    fetcher_destroy(&fetcher);
    fetcher = fetcher_create(loop, &config);
}

/* --- the client --- */

struct fetch_outcome {
    int times;
    enum fetch_result result;
    int status;
    char type[64], location[64], retry_after[16], etag[16], body[64];
};

static void on_done(void *arg, const struct fetch_answer *answer)
{
    struct fetch_outcome *told = arg;

    told->times++;
    told->result = answer->result;
    told->status = answer->status;
    copy_text(told->type, sizeof told->type, answer->content_type);
    copy_text(told->location, sizeof told->location, answer->location);
    copy_text(told->retry_after, sizeof told->retry_after, answer->retry_after);
    copy_text(told->etag, sizeof told->etag, answer->etag);
    copy_text(told->body, sizeof told->body, answer->body);
}

static struct fetch_request get(const char *url)
{
    return (struct fetch_request){ .method = "GET", .url = str_of(url), .answer_max = 4000, .timeout_ms = 30000 };
}

static const char *at(const char *path)
{
    static char url[128];

    snprintf(url, sizeof url, "http://%s%s", address, path);
    return url;
}

static struct fetch_outcome ask(const struct fetch_request *request)
{
    struct fetch_outcome told = { 0 };

    fetch_start(fetcher, request, on_done, &told);
    assert_int_equal(told.times, 0); /* never from within */
    TURN_UNTIL(told.times > 0);
    assert_int_equal(told.times, 1);
    return told;
}

static struct fetch_outcome ask_url(const char *url)
{
    struct fetch_request request = get(url);

    return ask(&request);
}

/* --- */

static void what_is_sent_arrives_and_what_is_answered_comes_back(void **state)
{
    (void)state;
    struct fetch_header header = { "X-Mine", STR("yes") };
    struct fetch_request request = get(at("/echo"));

    request.method = "PUT";
    request.body = STR("hello");
    request.headers = &header;
    request.n_headers = 1;
    struct fetch_outcome told = ask(&request);
    assert_int_equal(told.result, FETCH_ANSWERED);
    assert_int_equal(told.status, 201);
    assert_string_equal(told.body, "{\"a\":1}");
    assert_string_equal(told.type, "application/json; charset=utf-8");
    assert_string_equal(told.retry_after, "7");
    assert_string_equal(told.etag, "\"e\"");
    assert_string_equal(seen.method, "PUT");
    assert_string_equal(seen.header, "yes");
    assert_string_equal(seen.body, "hello");
    assert_string_equal(seen.agent, "madang");
    ask_url(at("/echo"));
    assert_string_equal(seen.cookie, ""); /* it was set one */
}

static void a_redirect_is_an_answer_and_not_followed(void **state)
{
    (void)state;
    struct fetch_outcome told = ask_url(at("/redirect"));

    assert_int_equal(told.status, 302);
    assert_non_null(strstr(told.location, "/echo"));
    assert_int_equal(seen.requests, 0);
}

static void no_inside_is_connected_to_however_it_is_named(void **state)
{
    (void)state;
    static char hosts[COUNT(INSIDE)][96];
    static const char *list[COUNT(INSIDE) + 1];
    char url[128];

    for (size_t i = 0; i < COUNT(INSIDE); i++) {
        snprintf(hosts[i], sizeof hosts[i], "inside-%zu.example:80:%s", i, INSIDE[i]);
        list[i] = hosts[i];
    }
    config = (struct fetcher_config){
        .user_agent = "madang", .plain = true, .running_max = 4, .waiting_max = 6, .host_max = 2, .hosts = list
    };
    start_over();
    for (size_t i = 0; i < COUNT(INSIDE); i++) {
        bool six = strchr(INSIDE[i], ':') != NULL;
        snprintf(url, sizeof url, six ? "http://[%s]/" : "http://%s/", INSIDE[i]);
        if (ask_url(url).result != FETCH_ADDRESS_REFUSED) fail_msg("%s was connected to", url);
        snprintf(url, sizeof url, "http://inside-%zu.example/", i);
        if (ask_url(url).result != FETCH_ADDRESS_REFUSED) fail_msg("%s was connected to as a name", INSIDE[i]);
    }
}

static void other_spellings_of_an_inside_are_no_way_round(void **state)
{
    (void)state;
    static const char *const urls[] = { "http://2130706433/", "http://0x7f000001/", "http://0177.0.0.1/",
        "http://127.1/", "http://0x7f.1/", "http://0/", "http://localhost/", "http://[::ffff:7f00:1]/",
        "http://[0:0:0:0:0:ffff:169.254.169.254]/", "http://127.0.0.1./", "http://%31%32%37.0.0.1/" };

    config = (struct fetcher_config){
        .user_agent = "madang", .plain = true, .running_max = 4, .waiting_max = 6, .host_max = 2
    };
    start_over();
    for (size_t i = 0; i < COUNT(urls); i++) {
        enum fetch_result result = ask_url(urls[i]).result;
        if (result != FETCH_ADDRESS_REFUSED && result != FETCH_BAD_URL && result != FETCH_NOT_RESOLVED)
            fail_msg("%s: %s", urls[i], fetch_result_code(result));
    }
}

static void what_is_no_url_of_ours_is_refused_before_anything_is_sent(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        enum fetch_result result;
    } cases[] = {
        { "", FETCH_BAD_URL },
        { "example.org", FETCH_BAD_URL },
        { "http://", FETCH_BAD_URL },
        { "http://me:secret@example.org/", FETCH_BAD_URL },
        { "http://a b/", FETCH_BAD_URL },
        { "http://example.org/\r\nX: y", FETCH_BAD_URL },
        { "file:///etc/passwd", FETCH_SCHEME_REFUSED },
        { "gopher://example.org/", FETCH_SCHEME_REFUSED },
        { "ftp://example.org/", FETCH_SCHEME_REFUSED },
        { "dict://127.0.0.1:6379/", FETCH_SCHEME_REFUSED },
        { "http://127.0.0.1:22/", FETCH_PORT_REFUSED },
        { "http://example.org/", FETCH_PORT_REFUSED },
        { "https://example.org/", FETCH_PORT_REFUSED },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        enum fetch_result result = ask_url(cases[i].url).result;
        if (result != cases[i].result) fail_msg("%s: %s", cases[i].url, fetch_result_code(result));
    }
    struct fetch_request request = get(at("/echo"));
    request.headers = &(struct fetch_header){ "X-Mine", STR("a\r\nX-Other: b") };
    request.n_headers = 1;
    assert_int_equal(ask(&request).result, FETCH_BAD_URL);
    assert_int_equal(seen.requests, 0);
}

static void https_alone_is_the_default(void **state)
{
    (void)state;
    config.plain = false;
    start_over();
    assert_int_equal(ask_url(at("/echo")).result, FETCH_SCHEME_REFUSED);
}

static void a_server_that_speaks_no_tls_is_told_apart(void **state)
{
    (void)state;
    char url[64];

    snprintf(url, sizeof url, "https://%s/echo", address);
    assert_int_equal(ask_url(url).result, FETCH_TLS_FAILED);
    assert_int_equal(seen.requests, 0);
}

static void an_answer_has_a_bound_and_a_type(void **state)
{
    (void)state;
    static const char *const json[] = { "application/json", NULL }, *const text[] = { "text/html", "text/plain", NULL };
    struct fetch_request request = get(at("/large"));

    assert_int_equal(ask(&request).result, FETCH_TOO_LARGE);
    request.answer_max = 5000;
    assert_int_equal(ask(&request).result, FETCH_ANSWERED);
    request.types = json;
    assert_int_equal(ask(&request).result, FETCH_TYPE_REFUSED);
    request.types = text;
    assert_int_equal(ask(&request).result, FETCH_ANSWERED);
    request = get(at("/echo"));
    request.types = json;
    assert_int_equal(ask(&request).result, FETCH_ANSWERED);
}

static void who_never_answers_is_given_up(void **state)
{
    (void)state;
    struct fetch_request request = get(at("/hold"));

    request.timeout_ms = 50;
    assert_int_equal(ask(&request).result, FETCH_TIMEOUT);
}

static void nobody_there_is_told_apart(void **state)
{
    (void)state;
    config.ports[1] = free_port();
    start_over();
    char url[64];
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", config.ports[1]);
    assert_int_equal(ask_url(url).result, FETCH_NOT_CONNECTED);
}

static void one_host_has_no_more_than_its_share_and_the_queue_has_an_end(void **state)
{
    (void)state;
    struct fetch_outcome told[9] = { 0 };
    struct fetch_request request = get(at("/hold"));

    for (size_t i = 0; i < COUNT(told); i++) fetch_start(fetcher, &request, on_done, &told[i]);
    TURN_UNTIL(seen.waiting == 2 && told[8].times == 1);
    assert_int_equal(told[8].result, FETCH_OVERLOADED);
    assert_int_equal(fetcher_running(fetcher), 2);
    assert_int_equal(fetcher_waiting(fetcher), 6);
    for (int i = 0; i < 8; i++) TURN_UNTIL((answer_held(), told[i].times == 1));
    for (int i = 0; i < 8; i++) assert_int_equal(told[i].result, FETCH_ANSWERED);
    assert_int_equal(seen.waiting_max, 2);
}

static void what_is_cancelled_is_never_told(void **state)
{
    (void)state;
    struct fetch_outcome told[4] = { 0 };
    struct fetch *fetches[4];
    struct fetch_request request = get(at("/hold"));

    for (size_t i = 0; i < COUNT(told); i++) fetches[i] = fetch_start(fetcher, &request, on_done, &told[i]);
    TURN_UNTIL(seen.waiting == 2);
    fetch_cancel(&fetches[0]); /* runs; */
    fetch_cancel(&fetches[3]); /* waits */
    assert_null(fetches[0]);
    for (int i = 1; i < 3; i++) TURN_UNTIL((answer_held(), told[i].times == 1));
    assert_int_equal(told[0].times + told[3].times, 0);
    assert_int_equal(fetcher_running(fetcher) + fetcher_waiting(fetcher), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    setenv("http_proxy", "http://127.0.0.1:9", 1); /* nothing comes from the environment */
    setenv("all_proxy", "http://127.0.0.1:9", 1);
    const struct CMUnitTest tests[] = {
        TEST(what_is_sent_arrives_and_what_is_answered_comes_back),
        TEST(a_redirect_is_an_answer_and_not_followed),
        TEST(no_inside_is_connected_to_however_it_is_named),
        TEST(other_spellings_of_an_inside_are_no_way_round),
        TEST(what_is_no_url_of_ours_is_refused_before_anything_is_sent),
        TEST(https_alone_is_the_default),
        TEST(a_server_that_speaks_no_tls_is_told_apart),
        TEST(an_answer_has_a_bound_and_a_type),
        TEST(who_never_answers_is_given_up),
        TEST(nobody_there_is_told_apart),
        TEST(one_host_has_no_more_than_its_share_and_the_queue_has_an_end),
        TEST(what_is_cancelled_is_never_told),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
