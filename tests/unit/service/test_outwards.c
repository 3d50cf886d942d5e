/* test_outwards.c - requests of a service go where the settings say, and nowhere else. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "libshared/base/buf.h"
#include "libshared/base/log.h"
#include "libshared/service/outwards.h"
#include "libshared/service/settings.h"
#include "tests/lib/free_port.h"
#include "tests/lib/same_thread.h"

static enum fetch_result result;

static void note_result(void *arg, const struct fetch_answer *answer)
{
    *(bool *)arg = true;
    result = answer->result;
}

/* Nobody listens there: it is refused, or it is tried. */
static enum fetch_result try_url(const char *scheme, int port)
{
    static struct settings settings;
    struct fetcher *fetcher;
    char url[60];
    bool done = false;

    settings_load(&settings);
    fetcher = outwards_create(loop, &settings.common);
    snprintf(url, sizeof url, "%s://127.0.0.1:%d/", scheme, port);
    fetch_start(fetcher,
        &(struct fetch_request){ .method = "GET", .url = str_of(url), .answer_max = 1000, .timeout_ms = 5000 },
        note_result, &done);
    TURN_UNTIL(done);
    fetcher_destroy(&fetcher);
    return result;
}

static void what_the_settings_do_not_name_is_refused(void **state)
{
    int port = free_port();
    char text[20];

    (void)state;
    snprintf(text, sizeof text, "443, %d", port);
    assert_int_equal(try_url("https", port), FETCH_PORT_REFUSED);
    setenv("MADANG_FETCH_PORTS", text, 1);
    assert_int_equal(try_url("https", port), FETCH_ADDRESS_REFUSED);
    assert_int_equal(try_url("http", port), FETCH_SCHEME_REFUSED);
    setenv("MADANG_FETCH_INSIDE", "127.0.0.0/8", 1);
    assert_int_equal(try_url("https", port), FETCH_NOT_CONNECTED);
    setenv("MADANG_FETCH_PLAIN", "1", 1);
    assert_int_equal(try_url("http", port), FETCH_NOT_CONNECTED);
}

int main(void)
{
    log_init("test", LOG_ERROR + 1);
    loop = ev_default_loop(0);
    const struct CMUnitTest tests[] = { cmocka_unit_test(what_the_settings_do_not_name_is_refused) };
    return cmocka_run_group_tests_name("outwards", tests, NULL, NULL);
}
