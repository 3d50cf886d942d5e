/* main.c - imager: keeps a reader of images ready, hands it its work, and answers for it if it ends. */
// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/service/privileges.h"
#include "libshared/service/settings.h"
#include "libshared/wire/records.h"
#include "services/share/images/channel.h"
#include "services/share/imager/imager.h"

#define SHARE       3        /* the descriptor of the channel to share */
#define READY_US    30000000 /* libvips is set up within that, or something is wrong */
#define PATIENCE    6        /* a clock that goes so much faster than its CPU: others have the machine, too */
#define UNREADY_MAX 10       /* readers in a row that were never ready */

struct reader_process {
    pid_t pid;
    int channel;
};

static void stop_reader(struct reader_process *reader, int *status)
{
    kill(reader->pid, SIGKILL);
    while (waitpid(reader->pid, status, 0) < 0 && errno == EINTR) continue;
    close(reader->channel);
}

static void start_reader(const struct reader_limits *limits, struct reader_process *out)
{
    int ends[2];

    if (!channel_pair(ends)) exit(1);
    out->pid = fork();
    if (out->pid < 0) exit(1);
    if (out->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(SHARE);
        close(ends[0]);
        reader_run(ends[1], limits);
    }
    close(ends[1]);
    out->channel = ends[0];
}

/* Ends this process, and by that share, if readers never become ready: no image could be read. */
static void start_ready_reader(const struct reader_limits *limits, struct reader_process *out)
{
    struct channel_message ready;

    for (int i = 0; i < UNREADY_MAX; i++) {
        int status = 0;
        start_reader(limits, out);
        if (channel_receive(out->channel, clock_mono_us() + READY_US, &ready) == CHANNEL_MESSAGE) return;
        stop_reader(out, &status);
        LOG(ERROR, "imager.reader_not_ready", F_INT("status", status));
    }
    exit(1);
}

/* Waits for either end to say something.  false: the reader has ended, though nobody asked it for anything. */
static bool wait_for_work(const struct reader_process *reader)
{
    struct pollfd ends[] = { { .fd = SHARE, .events = POLLIN }, { .fd = reader->channel, .events = POLLIN } };

    while (poll(ends, 2, -1) < 0)
        if (errno != EINTR) exit(1);
    return ends[0].revents != 0;
}

static const char *fault_of(enum channel_got got, int status)
{
    if (got == CHANNEL_LATE || (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)) return "too_slow";
    return "crashed";
}

/* The answer for a reader that ended without one. */
static void answer_for(const struct channel_message *asked, const char *fault, struct channel_message *out)
{
    /* bound: one message of CHANNEL_BYTES */
    struct arena *arena = arena_create("answer", 65536);
    struct buf bytes = BUF(sizeof out->bytes);
    struct wire_error why;
    struct image_work work;
    struct image_made made = { .fault = str_of(fault) };

    if (wire_decode(image_work_shape(), (struct str){ asked->bytes, asked->len }, arena, &work, &why) != OK) exit(1);
    made.work = work.work;
    if (wire_encode(image_made_shape(), &made, &bytes) != OK) exit(1);
    memcpy(out->bytes, bytes.at, bytes.len);
    out->len = bytes.len;
    buf_free(&bytes);
    arena_destroy(&arena);
}

static void do_work(struct reader_process *reader, const struct reader_limits *limits)
{
    struct channel_message asked, answer;
    int status = 0;

    if (channel_receive(SHARE, clock_mono_us(), &asked) != CHANNEL_MESSAGE) exit(0);
    enum channel_got got = CHANNEL_CLOSED;
    if (channel_send(reader->channel, &asked))
        got = channel_receive(reader->channel, clock_mono_us() + limits->seconds * PATIENCE * 1000000, &answer);
    channel_close_files(&asked);
    stop_reader(reader, &status);
    if (got == CHANNEL_MESSAGE)
        channel_close_files(&answer);
    else
        answer_for(&asked, fault_of(got, status), &answer);
    answer.n_files = 0;
    if (!channel_send(SHARE, &answer)) exit(0);
}

static void serve_images(const struct reader_limits *limits)
{
    struct channel_message ready = { .bytes = "ready", .len = 5 };
    struct reader_process reader;
    bool told = false;

    for (;;) {
        start_ready_reader(limits, &reader);
        if (!told && !channel_send(SHARE, &ready)) exit(0);
        told = true;
        if (wait_for_work(&reader))
            do_work(&reader, limits);
        else
            stop_reader(&reader, NULL);
    }
}

/* Where memory runs out for the whole container or machine, a reader goes first: that is an answer as any other. */
static void offer_itself(void)
{
    FILE *file = fopen("/proc/self/oom_score_adj", "we");

    bool done = file != NULL && fputs("1000", file) >= 0;
    if (file == NULL || fclose(file) != 0 || !done)
        LOG(WARN, "imager.oom_score_refused", F_TEXT("error", strerror(errno)));
}

int main(int argc, char **argv)
{
    if (argc != 3 || fcntl(SHARE, F_SETFD, FD_CLOEXEC) != 0) {
        fprintf(stderr, "imager: share starts it; there is nothing else to do with it\n");
        return 2;
    }
    static struct settings settings;
    struct reader_limits limits = { strtoll(argv[1], NULL, 10), strtoll(argv[2], NULL, 10), &settings };
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    settings_load(&settings);
    log_init("imager", LOG_WARN);
    signal(SIGPIPE, SIG_IGN);
    offer_itself();
    privileges_drop("imager", &settings);
    serve_images(&limits);
}
