/* test_rpc_queue.c - the workers' queue: nothing lost, in order within a subject, and nobody waits for all of another's. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "libshared/base/arena.h"
#include "libshared/rpc/rpc_queue.h"

#define WORKERS  5
#define SUBJECTS 7
#define MAX      24 /* so six of one subject */
#define TASKS    200000

/* A task, and what the test knows of it. */
struct queue_task {
    struct rpc_task task; /* first: cast back */
    unsigned subject, n;  /* whose, and his how manieth */
    bool waits;
};

static struct rpc_queue *queue;
static struct queue_task jobs[64];
static struct rpc_lane *busy[WORKERS];
static unsigned busy_with[WORKERS], n_waiting[SUBJECTS + 1], n_running[SUBJECTS + 1], put[SUBJECTS + 1],
    taken[SUBJECTS + 1];

/* The last subject is none at all. */
static struct str name_of(unsigned subject)
{
    static char name[4];

    if (subject == SUBJECTS) return STR_NONE;
    snprintf(name, sizeof name, "s%u", subject);
    return str_of(name);
}

static unsigned all_waiting(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < SUBJECTS; i++) n += n_waiting[i];
    return n;
}

static struct queue_task *unused_job(void)
{
    for (size_t i = 0; i < sizeof jobs / sizeof *jobs; i++)
        if (!jobs[i].waits) return &jobs[i];
    fail_msg("more wait than may");
    return NULL;
}

static void check_refusal(const struct queue_task *job, const struct queue_task *refused)
{
    unsigned mine = n_waiting[job->subject], longest = 0;

    for (unsigned i = 0; i < SUBJECTS; i++)
        if (n_waiting[i] > longest) longest = n_waiting[i];
    if (job->subject == SUBJECTS) {
        assert_int_equal(mine, MAX);
    } else if (refused == job) {
        assert_true(mine == MAX / 4 || (all_waiting() == MAX && longest < mine + 2));
    } else {
        assert_int_equal(all_waiting(), MAX);
        assert_int_equal(n_waiting[refused->subject], longest);
        assert_int_equal(refused->n, put[refused->subject] - 1); /* the newest */
        assert_true(longest >= mine + 2);
    }
}

static void put_one(unsigned subject)
{
    struct queue_task *job = unused_job();

    job->subject = subject;
    job->n = put[subject];
    struct queue_task *refused = (struct queue_task *)rpc_queue_put(queue, &job->task, name_of(subject));
    if (refused != NULL) check_refusal(job, refused);
    if (refused == job) return;
    job->waits = true;
    n_waiting[subject]++;
    put[subject]++;
    if (refused == NULL) return;
    refused->waits = false;
    n_waiting[refused->subject]--;
    put[refused->subject]--;
}

static void take_one(unsigned worker)
{
    struct queue_task *job = (struct queue_task *)rpc_queue_take(queue);
    bool others = false;

    if (job == NULL) {
        assert_int_equal(all_waiting() + n_waiting[SUBJECTS], 0);
        return;
    }
    for (unsigned i = 0; i <= SUBJECTS; i++) others |= i != job->subject && n_waiting[i] > 0;
    if (others) assert_true(n_running[job->subject] < (WORKERS + 1) / 2);
    assert_true(job->waits);
    assert_int_equal(job->n, taken[job->subject]++); /* in his order, none left out */
    job->waits = false;
    n_waiting[job->subject]--;
    n_running[job->subject]++;
    busy[worker] = job->task.lane;
    busy_with[worker] = job->subject;
}

static void finish(unsigned worker)
{
    rpc_queue_done(queue, busy[worker]);
    n_running[busy_with[worker]]--;
    busy[worker] = NULL;
}

static int begin(void **state)
{
    (void)state;
    queue = rpc_queue_create(WORKERS, MAX);
    memset(jobs, 0, sizeof jobs);
    memset(busy, 0, sizeof busy);
    memset(n_waiting, 0, sizeof n_waiting);
    memset(n_running, 0, sizeof n_running);
    memset(put, 0, sizeof put);
    memset(taken, 0, sizeof taken);
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (unsigned i = 0; i < WORKERS; i++)
        if (busy[i] != NULL) finish(i);
    while (rpc_queue_waiting(queue) > 0) {
        take_one(0);
        finish(0);
    }
    for (unsigned i = 0; i <= SUBJECTS; i++) assert_int_equal(taken[i], put[i]);
    rpc_queue_destroy(&queue);
    assert_null(queue);
    return 0;
}

static void whatever_comes_nothing_is_lost_or_overtaken(void **state)
{
    uint32_t dice = 1;

    (void)state;
    for (int i = 0; i < TASKS; i++) {
        dice = dice * 1664525 + 1013904223;
        unsigned worker = (dice >> 8) % WORKERS, pace = (unsigned)(i / 1000) % 4;
        if ((dice >> 16) % 4 < pace) {
            if (busy[worker] != NULL)
                finish(worker);
            else
                take_one(worker);
        } else {
            put_one((dice >> 20) % 3 == 0 ? 0 : (dice >> 24) % (SUBJECTS + 1));
        }
        assert_int_equal(rpc_queue_waiting(queue), all_waiting() + n_waiting[SUBJECTS]);
    }
}

static void each_that_waits_gets_a_turn_before_one_gets_two(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) put_one(0);
    for (unsigned s = 1; s < 4; s++) put_one(s);
    for (unsigned i = 0; i < 4; i++) {
        take_one(0);
        assert_int_equal(busy_with[0], i);
        finish(0);
    }
    take_one(0);
    assert_int_equal(busy_with[0], 0);
}

static void what_has_no_subject_has_every_second_turn(void **state)
{
    (void)state;
    for (unsigned s = 0; s < 6; s++) put_one(s);
    for (int i = 0; i < 3; i++) put_one(SUBJECTS);
    for (int i = 0; i < 6; i++) {
        take_one(0);
        assert_int_equal(busy_with[0] == SUBJECTS, i % 2 == 0);
        finish(0);
    }
}

static void a_subject_alone_may_use_all_workers(void **state)
{
    (void)state;
    for (int i = 0; i < 6; i++) put_one(3);
    for (unsigned i = 0; i < WORKERS; i++) take_one(i);
    assert_int_equal(n_running[3], WORKERS);
    put_one(4);
    finish(2);
    take_one(2); /* the next is another's, although one of his came first */
    assert_int_equal(busy_with[2], 4);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(whatever_comes_nothing_is_lost_or_overtaken),
        CASE(each_that_waits_gets_a_turn_before_one_gets_two),
        CASE(what_has_no_subject_has_every_second_turn),
        CASE(a_subject_alone_may_use_all_workers),
    };

    return cmocka_run_group_tests_name("rpc_queue", tests, NULL, NULL);
}
