/* rpc_queue.c - a lane for each subject that waits, served in turn. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/rpc/rpc_queue.h"

#include <assert.h>
#include <string.h>
#include <utlist.h>

#include "libshared/base/arena.h"
#include "libshared/base/invariant.h"
#include "libshared/base/table.h"

#define SUBJECT_BYTES_MAX 520 /* 128 characters, and the NUL before an address */
#define SPARE_MAX         256

struct rpc_lane {
    UT_hash_handle hh;
    struct rpc_task *tasks;                   /* that wait, oldest first */
    size_t n;                                 /* of them */
    unsigned running;                         /* that were taken and are not done */
    struct rpc_lane *prev, *next;             /* in the ring, or spare */
    struct rpc_lane *prev_equal, *next_equal; /* among the lanes of the same length */
    size_t subject_len;
    char subject[SUBJECT_BYTES_MAX];
};

struct rpc_queue {
    unsigned share;           /* of the workers, for one lane while others wait */
    size_t max, lane_max;     /* tasks of subjects; of one subject */
    size_t waiting;           /* tasks of subjects */
    struct rpc_lane services; /* without a subject; never among the lanes below */
    bool services_had_turn;   /* while subjects wait, too */
    struct rpc_lane *ring;    /* the lanes that wait; the first is next */
    struct rpc_lane *all;     /* by subject; a lane that neither waits nor runs is spare */
    struct rpc_lane *spare;
    size_t n_spare, longest;      /* longest: the greatest length that a lane has */
    struct rpc_lane *by_length[]; /* 0 to lane_max; 0 is empty */
};

struct rpc_queue *rpc_queue_create(unsigned workers, size_t max)
{
    size_t lane_max = (max + 3) / 4;
    struct rpc_queue *queue = mem_zero(sizeof *queue + (lane_max + 1) * sizeof(struct rpc_lane *));

    queue->share = (workers + 1) / 2; /* so of two lanes at their share no worker is left: one at most is passed over */
    queue->max = max;
    queue->lane_max = lane_max;
    return queue;
}

void rpc_queue_destroy(struct rpc_queue **queue)
{
    struct rpc_queue *q = *queue;
    struct rpc_lane *lane, *next;

    if (q == NULL) return;
    assert(q->waiting == 0 && q->services.n == 0);
    HASH_ITER(hh, q->all, lane, next) {
        HASH_DEL(q->all, lane);
        mem_free(lane);
    }
    while ((lane = q->spare) != NULL) {
        q->spare = lane->next;
        mem_free(lane);
    }
    mem_free(q);
    *queue = NULL;
}

static struct rpc_lane *take_spare(struct rpc_queue *queue)
{
    struct rpc_lane *lane = queue->spare;

    if (lane == NULL) return mem_zero(sizeof *lane);
    queue->spare = lane->next;
    queue->n_spare--;
    memset(lane, 0, offsetof(struct rpc_lane, subject));
    return lane;
}

/* A longer subject than there are shares the lane of those that begin like it. */
static struct rpc_lane *get_lane(struct rpc_queue *queue, struct str subject)
{
    struct rpc_lane *lane;
    size_t len = subject.len < SUBJECT_BYTES_MAX ? subject.len : SUBJECT_BYTES_MAX;

    if (len == 0) return &queue->services;
    HASH_FIND(hh, queue->all, subject.at, len, lane);
    if (lane != NULL) return lane;
    lane = take_spare(queue);
    memcpy(lane->subject, subject.at, len);
    lane->subject_len = len;
    HASH_ADD_KEYPTR(hh, queue->all, lane->subject, lane->subject_len, lane);
    return lane;
}

static void drop_if_idle(struct rpc_queue *queue, struct rpc_lane *lane)
{
    if (lane == &queue->services || lane->n > 0 || lane->running > 0) return;
    HASH_DEL(queue->all, lane);
    if (queue->n_spare == SPARE_MAX) {
        mem_free(lane);
        return;
    }
    lane->next = queue->spare;
    queue->spare = lane;
    queue->n_spare++;
}

/* A lane's length has changed by one. */
static void set_length(struct rpc_queue *queue, struct rpc_lane *lane, size_t n)
{
    if (lane->n > 0) DL_DELETE2(queue->by_length[lane->n], lane, prev_equal, next_equal);
    queue->waiting = queue->waiting + n - lane->n;
    lane->n = n;
    if (n > 0) DL_APPEND2(queue->by_length[n], lane, prev_equal, next_equal);
    if (n > queue->longest)
        queue->longest = n;
    else if (queue->by_length[queue->longest] == NULL && queue->longest > 0)
        queue->longest--;
}

static void add_task(struct rpc_queue *queue, struct rpc_lane *lane, struct rpc_task *task)
{
    task->lane = lane;
    DL_APPEND(lane->tasks, task);
    if (lane == &queue->services) {
        lane->n++;
        return;
    }
    if (lane->n == 0) DL_APPEND(queue->ring, lane);
    set_length(queue, lane, lane->n + 1);
}

static struct rpc_task *remove_task(struct rpc_queue *queue, struct rpc_lane *lane, struct rpc_task *task)
{
    DL_DELETE(lane->tasks, task);
    if (lane == &queue->services) {
        lane->n--;
        return task;
    }
    set_length(queue, lane, lane->n - 1);
    if (lane->n == 0) DL_DELETE(queue->ring, lane);
    return task;
}

static struct rpc_task *make_room(struct rpc_queue *queue, struct rpc_lane *than)
{
    struct rpc_lane *longest = queue->by_length[queue->longest];

    if (longest->n < than->n + 2) return NULL;
    struct rpc_task *newest = remove_task(queue, longest, longest->tasks->prev);
    drop_if_idle(queue, longest);
    return newest;
}

static size_t count_tasks(const struct rpc_lane *lane)
{
    const struct rpc_task *task;
    size_t n = 0;

    DL_FOREACH(lane->tasks, task) {
        assert(task->lane == lane);
        n++;
    }
    return n;
}

static void check_lengths(const struct rpc_queue *queue)
{
    const struct rpc_lane *lane;
    size_t waiting = 0;

    for (size_t n = 1; n <= queue->lane_max; n++)
        DL_FOREACH2(queue->by_length[n], lane, next_equal) {
            assert(lane->n == n && n <= queue->longest);
            waiting += n;
        }
    assert(waiting == queue->waiting);
    assert(queue->longest == 0 || queue->by_length[queue->longest] != NULL);
}

void rpc_queue_check(const struct rpc_queue *queue)
{
    const struct rpc_lane *lane;
    size_t waiting = 0;

    DL_FOREACH(queue->ring, lane) {
        assert(lane->n > 0 && lane->n <= queue->lane_max && count_tasks(lane) == lane->n);
        waiting += lane->n;
    }
    assert(waiting == queue->waiting && waiting <= queue->max);
    assert(queue->services.n <= queue->max && count_tasks(&queue->services) == queue->services.n);
    check_lengths(queue);
    for (lane = queue->all; lane != NULL; lane = lane->hh.next) assert(lane->n > 0 || lane->running > 0);
}

struct rpc_task *rpc_queue_put(struct rpc_queue *queue, struct rpc_task *task, struct str subject)
{
    struct rpc_lane *lane = get_lane(queue, subject);
    struct rpc_task *refused = NULL;

    if (lane->n >= (lane == &queue->services ? queue->max : queue->lane_max)) return task;
    if (lane != &queue->services && queue->waiting == queue->max) {
        refused = make_room(queue, lane);
        if (refused == NULL) {
            drop_if_idle(queue, lane);
            return task;
        }
    }
    add_task(queue, lane, task);
    CHECK_STEP(rpc_queue_check(queue));
    return refused;
}

/* NULL: no subject waits. */
static struct rpc_lane *next_subject(const struct rpc_queue *queue)
{
    struct rpc_lane *lane = queue->ring;

    return lane != NULL && lane->running >= queue->share && lane->next != NULL ? lane->next : lane;
}

static struct rpc_lane *next_lane(struct rpc_queue *queue)
{
    struct rpc_lane *subject = next_subject(queue), *services = &queue->services;

    if (services->n == 0) return subject;
    if (subject == NULL || subject->running >= queue->share) return services;
    if (services->running >= queue->share) return subject;
    queue->services_had_turn = !queue->services_had_turn;
    return queue->services_had_turn ? services : subject;
}

struct rpc_task *rpc_queue_take(struct rpc_queue *queue)
{
    struct rpc_lane *lane = next_lane(queue);

    if (lane == NULL) return NULL;
    struct rpc_task *task = remove_task(queue, lane, lane->tasks);
    lane->running++;
    if (lane != &queue->services && lane->n > 0) { /* to the end of the ring */
        DL_DELETE(queue->ring, lane);
        DL_APPEND(queue->ring, lane);
    }
    CHECK_STEP(rpc_queue_check(queue));
    return task;
}

void rpc_queue_done(struct rpc_queue *queue, struct rpc_lane *lane)
{
    assert(lane->running > 0);
    lane->running--;
    drop_if_idle(queue, lane);
    CHECK_STEP(rpc_queue_check(queue));
}

size_t rpc_queue_waiting(const struct rpc_queue *queue)
{
    return queue->waiting + queue->services.n;
}
