/*
 * log_out.c - standard output, which may stand still: its reader was stopped, its disk is full or slow.
 *
 *      log_out_put --> filling --(swapped)--> writing --> write(1)
 *                      bounded: what is        a thread of its own, which
 *                      too much is counted     may wait as long as it likes
 *
 * O_NONBLOCK would not do: it belongs to the open file, which other processes share, and a file on a disk never says
 * EAGAIN.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/log_private.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "libshared/base/err.h"
#include "libshared/base/log.h"
#include "libshared/base/log_out.h"
#include "libshared/base/thread.h"

#define SIDE_BYTES (512u << 10)
#define RETRY_MS   50   /* after a write that failed: no space, a reader that is gone */
#define EXIT_MS    1000 /* what waits at exit has so long */
#define CRASH_MS   500

struct side {
    size_t len;
    char at[SIDE_BYTES];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* for all of these but the atomics */
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;
static struct side sides[2], *filling = &sides[0], *writing = &sides[1];
static bool idle;                /* the thread waits for a line */
static uint64_t untold;          /* lines dropped since the last swap */
static _Atomic bool running;     /* else lines are written straight */
static _Atomic size_t unwritten; /* bytes of both sides */
static _Atomic uint64_t dropped;

static void pause_ms(int ms)
{
    nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000L }, NULL);
}

/* --- the thread --- */

/* A line that was begun is ended, however long it takes: a full disk tears none. */
static void write_all(const char *at, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDOUT_FILENO, at, len);
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        } else if (n == 0 || errno != EINTR) {
            pause_ms(RETRY_MS);
        }
    }
}

/* Bytes of the whole lines that a pipe takes in one piece, so that lines of several processes never mix. */
static size_t first_piece(const char *at, size_t len)
{
    if (len <= PIPE_BUF) return len;
    const char *end = memrchr(at, '\n', PIPE_BUF);
    return end == NULL ? len : (size_t)(end - at) + 1;
}

static void write_lines(struct side *side)
{
    for (size_t done = 0, n; done < side->len; done += n) {
        n = first_piece(side->at + done, side->len - done);
        write_all(side->at + done, n);
        atomic_fetch_sub(&unwritten, n);
    }
    side->len = 0;
}

/* Waits for lines; lines dropped since the last time. */
static uint64_t swap_sides(void)
{
    pthread_mutex_lock(&lock);
    while (filling->len == 0) {
        idle = true;
        pthread_cond_wait(&filled, &lock);
    }
    idle = false;
    struct side *full = filling;
    filling = writing;
    writing = full;
    uint64_t lost = untold;
    untold = 0;
    pthread_mutex_unlock(&lock);
    return lost;
}

static void *run_writer(void *arg)
{
    (void)arg;
    for (;;) {
        uint64_t lost = swap_sides();
        if (lost > 0) LOG(WARN, "log.dropped", F_INT("lines", lost)); /* behind those that were kept */
        write_lines(writing);
    }
    return NULL;
}

/* --- on the threads that log --- */

static void keep_line(const char *line, size_t len)
{
    pthread_mutex_lock(&lock);
    if (len > SIDE_BYTES - filling->len) {
        untold++;
        atomic_fetch_add(&dropped, 1);
    } else {
        memcpy(filling->at + filling->len, line, len);
        filling->len += len;
        atomic_fetch_add(&unwritten, len);
        if (idle) pthread_cond_signal(&filled);
    }
    pthread_mutex_unlock(&lock);
}

/* Programs without a loop may wait. */
static void write_straight(const char *line, size_t len)
{
    ssize_t n;

    do n = write(STDOUT_FILENO, line, len);
    while (n < 0 && errno == EINTR);
}

void log_out_put(const char *line, size_t len)
{
    if (atomic_load(&running))
        keep_line(line, len);
    else
        write_straight(line, len);
}

size_t log_waiting(void)
{
    return atomic_load(&unwritten);
}

uint64_t log_dropped(void)
{
    return atomic_load(&dropped);
}

/* Called by a signal handler too, so it asks again and again and takes no lock. */
bool log_flush(int ms)
{
    for (; atomic_load(&unwritten) > 0; pause_ms(1))
        if (ms-- <= 0) return false;
    return true;
}

/* --- beginning and end --- */

static void flush_at_exit(void)
{
    log_flush(EXIT_MS);
}

/* The last lines before a crash are those one wants.  SA_RESETHAND: afterwards the signal does what it always does. */
static void on_crash(int number)
{
    int saved = errno;

    (void)number;
    log_flush(CRASH_MS);
    errno = saved;
}

/* A sanitizer's own handlers stay. */
static void watch_crashes(void)
{
    static const int signals[] = { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV };

    for (size_t i = 0; i < COUNT(signals); i++) {
        struct sigaction now, ours = { .sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND };
        if (sigaction(signals[i], NULL, &now) == 0 && now.sa_handler == SIG_DFL) sigaction(signals[i], &ours, NULL);
    }
}

static void before_fork(void)
{
    pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
    pthread_mutex_unlock(&lock);
}

/* The thread and what waits belong to the parent. */
static void in_child(void)
{
    atomic_store(&running, false);
    atomic_store(&unwritten, 0);
    filling->len = writing->len = 0;
    pthread_mutex_unlock(&lock);
}

/* What libraries print on standard error, an assert's last words included, must not wait either.  Of a pipe one can have
 * an open file of one's own; where that fails, it stays as it was. */
static void own_stderr(void)
{
    struct stat st;
    int fd;

    if (fstat(STDERR_FILENO, &st) != 0 || !S_ISFIFO(st.st_mode)) return;
    fd = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) return;
    dup2(fd, STDERR_FILENO);
    close(fd);
}

void log_begin(void)
{
    assert(!atomic_load(&running));
    own_stderr();
    bool started = thread_start(run_writer, NULL);
    assert(started);
    (void)started;
    pthread_atfork(before_fork, after_fork, in_child);
    atexit(flush_at_exit);
    watch_crashes();
    atomic_store(&running, true);
}
