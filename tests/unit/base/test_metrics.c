/* test_metrics.c - what Prometheus reads. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "libshared/base/metrics.h"

static char page[65536];

static const char *print(void)
{
    struct buf out = BUF(sizeof page - 1);
    metrics_print(&out);
    assert_false(out.over);
    memcpy(page, out.at, out.len);
    page[out.len] = '\0';
    buf_free(&out);
    return page;
}

static int times(const char *text, const char *part)
{
    int n = 0;
    for (; (text = strstr(text, part)) != NULL; text++) n++;
    return n;
}

static void the_same_name_and_labels_give_the_same_metric(void **state)
{
    (void)state;
    struct metric *a = metric_counter("t_calls_total", "method=\"a\"", "Calls");
    struct metric *b = metric_counter("t_calls_total", "method=\"b\"", "Calls");
    assert_ptr_equal(metric_counter("t_calls_total", "method=\"a\"", "Calls"), a);
    assert_ptr_not_equal(a, b);
    metric_add(a, 2);
    metric_add(a, 3);
    assert_int_equal(metric_value(a), 5);
    assert_int_equal(metric_value(b), 0);
    assert_non_null(strstr(print(), "t_calls_total{method=\"a\"} 5\n"));
}

static void metrics_of_one_name_stand_together_under_one_help(void **state)
{
    (void)state;
    metric_set(metric_gauge("t_open", NULL, "Open"), 7);
    metric_counter("t_calls_total", "method=\"c\"", "Calls");
    const char *text = print();
    assert_int_equal(times(text, "# HELP t_calls_total "), 1);
    assert_int_equal(times(text, "# TYPE t_calls_total counter\n"), 1);
    assert_non_null(strstr(text, "t_open 7\n"));
    assert_true(strstr(text, "method=\"c\"") < strstr(text, "t_open 7"));
}

static void a_histogram_counts_upwards_and_sums_in_seconds(void **state)
{
    (void)state;
    struct metric *h = metric_histogram_us("t_seconds", "m=\"x\"", "Time");
    metric_observe_us(h, 50); /* bounds are inclusive */
    metric_observe_us(h, 51);
    metric_observe_us(h, 20000000);
    const char *text = print();
    assert_non_null(strstr(text, "t_seconds_bucket{m=\"x\",le=\"5e-05\"} 1\n"));
    assert_non_null(strstr(text, "t_seconds_bucket{m=\"x\",le=\"0.0001\"} 2\n"));
    assert_non_null(strstr(text, "t_seconds_bucket{m=\"x\",le=\"10\"} 2\n"));
    assert_non_null(strstr(text, "t_seconds_bucket{m=\"x\",le=\"+Inf\"} 3\n"));
    assert_non_null(strstr(text, "t_seconds_sum{m=\"x\"} 20.000101\n"));
    assert_non_null(strstr(text, "t_seconds_count{m=\"x\"} 3\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_name_and_labels_give_the_same_metric),
        cmocka_unit_test(metrics_of_one_name_stand_together_under_one_help),
        cmocka_unit_test(a_histogram_counts_upwards_and_sums_in_seconds),
    };
    return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
