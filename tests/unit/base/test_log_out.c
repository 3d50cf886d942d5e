/* test_log_out.c - a log that nobody reads, that does not fit, that is in the way at the end. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libshared/base/log.h"

#define PATIENCE_MS 20000
#define MANY        20000 /* lines: more than the log and a pipe keep */
#define FEW         1000  /* lines: more than a pipe keeps, and less than the log does */

/* A process of its own whose standard output is `out`; it writes to `said`, and hears of `told`. */
struct writer {
    pid_t pid;
    int out, said, told;
};

static void write_numbers(int n)
{
    static char text[101];

    memset(text, 'x', sizeof text - 1);
    for (int i = 0; i < n; i++) LOG(INFO, "n", F_INT("i", i), F_TEXT("text", text));
}

/* --- on the writer's side --- */

static int own_said, own_told;

static void say(void)
{
    if (write(own_said, "x", 1) != 1) _exit(3);
}

static void wait_for_word(void)
{
    char c;
    if (read(own_told, &c, 1) != 1) _exit(4);
}

static void begin(const struct writer *writer, int out, int said, int told)
{
    close(writer->said);
    close(writer->told);
    if (writer->out >= 0) close(writer->out);
    own_said = said;
    own_told = told;
    dup2(out, STDOUT_FILENO);
    close(out);
    signal(SIGABRT, SIG_DFL); /* cmocka's own would go on with the next test */
    log_init("test", LOG_INFO);
    log_begin();
}

/* --- on the test's --- */

/* out < 0: a pipe, whose other end is writer.out. */
static struct writer start(void (*run)(void), int out)
{
    struct writer writer = { .out = -1 };
    int said[2], told[2], pipe_out[2] = { -1, out };

    assert_int_equal(pipe(said), 0);
    assert_int_equal(pipe(told), 0);
    if (out < 0) assert_int_equal(pipe(pipe_out), 0);
    writer.out = pipe_out[0];
    writer.said = said[0];
    writer.told = told[1];
    fflush(stdout);
    writer.pid = fork();
    assert_true(writer.pid >= 0);
    if (writer.pid == 0) {
        begin(&writer, pipe_out[1], said[1], told[0]);
        run();
        exit(0);
    }
    close(said[1]);
    close(told[0]);
    if (out < 0) close(pipe_out[1]);
    return writer;
}

static bool hears(int fd)
{
    char c;
    return poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, PATIENCE_MS) == 1 && read(fd, &c, 1) == 1;
}

static int end(struct writer *writer)
{
    int status = 0;

    for (int ms = 0; waitpid(writer->pid, &status, WNOHANG) == 0; ms += 10) {
        if (ms > PATIENCE_MS) {
            kill(writer->pid, SIGKILL);
            fail_msg("the writer does not end");
        }
        usleep(10000);
    }
    close(writer->said);
    close(writer->told);
    if (writer->out >= 0) close(writer->out);
    return status;
}

static void must_be_alive(struct writer *writer)
{
    if (hears(writer->said)) return;
    kill(writer->pid, SIGKILL);
    waitpid(writer->pid, NULL, 0);
    fail_msg("the writer stands still");
}

struct found_lines {
    int lines, dropped, last;
};

/* Each line is whole, and they are in order. */
static struct found_lines read_all(int fd)
{
    struct found_lines found = { .last = -1 };
    FILE *in = fdopen(dup(fd), "r");
    char *line = NULL;
    size_t cap = 0;

    for (ssize_t n = getline(&line, &cap, in); n > 0; n = getline(&line, &cap, in)) {
        json_t *json = json_loads(line, 0, NULL);
        if (json == NULL || line[n - 1] != '\n') fail_msg("torn: %s", line);
        if (strcmp(json_string_value(json_object_get(json, "event")), "log.dropped") == 0) {
            found.dropped += (int)json_integer_value(json_object_get(json, "lines"));
        } else {
            int i = (int)json_integer_value(json_object_get(json, "i"));
            assert_true(i > found.last);
            found.last = i;
            found.lines++;
        }
        json_decref(json);
    }
    free(line);
    fclose(in);
    return found;
}

/* An exit alone would not wait long enough for a reader on a busy machine. */
static void write_more_than_fits(void)
{
    write_numbers(MANY);
    say();
    wait_for_word();
    if (!log_flush(PATIENCE_MS)) _exit(5);
}

static void a_pipe_that_nobody_reads_stops_nobody_and_what_was_dropped_is_said(void **state)
{
    struct writer writer = start(write_more_than_fits, -1);
    struct found_lines found;

    (void)state;
    must_be_alive(&writer);
    assert_int_equal(write(writer.told, "x", 1), 1);
    found = read_all(writer.out);
    assert_true(found.dropped > 0);
    assert_int_equal(found.lines + found.dropped, MANY);
    assert_int_equal(end(&writer), 0);
}

static void write_past_the_limit(void)
{
    struct rlimit limit;

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = 100000;
    setrlimit(RLIMIT_FSIZE, &limit);
    write_numbers(MANY);
    say();
    wait_for_word();
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &limit);
}

static void a_file_at_its_limit_stops_nobody_and_tears_no_line(void **state)
{
    FILE *file = tmpfile();
    struct writer writer = start(write_past_the_limit, fileno(file));
    struct found_lines found;

    (void)state;
    must_be_alive(&writer);
    assert_int_equal(write(writer.told, "x", 1), 1);
    assert_int_equal(end(&writer), 0);
    assert_int_equal(lseek(fileno(file), 0, SEEK_SET), 0);
    found = read_all(fileno(file));
    assert_true(found.dropped > 0);
    assert_int_equal(found.lines + found.dropped, MANY);
    fclose(file);
}

/* A disk of this process's own, which goes with it. */
static const char *mount_disk(char *dir, const char *size)
{
    bool may = unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
               mkdtemp(dir) != NULL && mount("tmpfs", dir, "tmpfs", 0, size) == 0;

    if (may) return dir;
    print_message("no file system can be mounted here: %s\n", strerror(errno));
    rmdir(dir);
    return NULL;
}

static void a_full_disk_stops_nobody_and_what_was_dropped_is_said_when_there_is_room(void **state)
{
    char dir[] = "/tmp/test-log-out-XXXXXX", path[sizeof dir + 10];
    struct statvfs disk;

    (void)state;
    if (mount_disk(dir, "size=128k") == NULL) skip();
    snprintf(path, sizeof path, "%s/current", dir);
    int file = open(path, O_CREAT | O_RDWR | O_APPEND | O_CLOEXEC, 0600);
    struct writer writer = start(write_more_than_fits, dup(file));
    must_be_alive(&writer);
    do { /* the lines wait for a thread of the writer's */
        usleep(1000);
        assert_int_equal(statvfs(dir, &disk), 0);
    } while (disk.f_bavail > 0);
    assert_int_equal(mount(NULL, dir, NULL, MS_REMOUNT, "size=64m"), 0);
    assert_int_equal(write(writer.told, "x", 1), 1);
    assert_int_equal(end(&writer), 0);
    assert_int_equal(lseek(file, 0, SEEK_SET), 0);
    struct found_lines found = read_all(file);
    assert_true(found.dropped > 0);
    assert_int_equal(found.lines + found.dropped, MANY);
    close(file);
    assert_int_equal(umount2(dir, MNT_DETACH), 0);
    rmdir(dir);
}

static void write_few(void)
{
    write_numbers(FEW);
}

static void what_waits_at_exit_is_written(void **state)
{
    struct writer writer = start(write_few, -1);

    (void)state;
    assert_int_equal(read_all(writer.out).lines, FEW);
    assert_int_equal(end(&writer), 0);
}

static void an_exit_does_not_wait_for_a_reader_for_good(void **state)
{
    struct writer writer = start(write_few, -1);

    (void)state;
    assert_int_equal(end(&writer), 0);
}

static void write_few_and_abort(void)
{
    write_numbers(FEW);
    abort();
}

static void what_waits_at_a_crash_is_written(void **state)
{
    struct writer writer = start(write_few_and_abort, -1);
    int status;

    (void)state;
    assert_int_equal(read_all(writer.out).lines, FEW);
    status = end(&writer);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void write_and_fork(void)
{
    LOG(INFO, "n", F_INT("i", 0));
    pid_t child = fork();
    if (child == 0) {
        if (!log_flush(PATIENCE_MS)) _exit(5); /* what waits is the parent's */
        LOG(INFO, "n", F_INT("i", 1));
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    if (status != 0) exit(6);
}

static void a_child_writes_its_own_lines_and_not_its_parents(void **state)
{
    FILE *file = tmpfile();
    struct writer writer = start(write_and_fork, fileno(file));
    char text[1000] = { 0 };

    (void)state;
    assert_int_equal(end(&writer), 0);
    assert_true(pread(fileno(file), text, sizeof text - 1, 0) > 0);
    assert_non_null(strstr(text, "\"i\":0"));
    assert_non_null(strstr(text, "\"i\":1"));
    assert_null(strstr(strchr(strchr(text, '\n') + 1, '\n') + 1, "\n"));
    fclose(file);
}

static void write_to_who_says_not_now(void)
{
    fcntl(STDOUT_FILENO, F_SETFL, O_NONBLOCK);
    write_numbers(FEW);
    say();
    wait_for_word();
}

static void an_output_that_others_made_non_blocking_loses_nothing(void **state)
{
    struct writer writer = start(write_to_who_says_not_now, -1);

    (void)state;
    must_be_alive(&writer);
    assert_int_equal(write(writer.told, "x", 1), 1);
    assert_int_equal(read_all(writer.out).lines, FEW);
    assert_int_equal(end(&writer), 0);
}

/* More than a pipe keeps, as a library or an assert prints it. */
static void write_to_stderr(void)
{
    char text[1000];

    memset(text, 'x', sizeof text);
    for (int i = 0; i < 200; i++)
        if (write(STDERR_FILENO, text, sizeof text) < 0) break;
    say();
}

static void a_standard_error_that_nobody_reads_stops_nobody(void **state)
{
    int unread[2], saved = dup(STDERR_FILENO);

    (void)state;
    assert_int_equal(pipe(unread), 0);
    dup2(unread[1], STDERR_FILENO);
    struct writer writer = start(write_to_stderr, -1);
    dup2(saved, STDERR_FILENO);
    must_be_alive(&writer);
    assert_int_equal(end(&writer), 0);
    close(unread[0]);
    close(unread[1]);
    close(saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pipe_that_nobody_reads_stops_nobody_and_what_was_dropped_is_said),
        cmocka_unit_test(a_file_at_its_limit_stops_nobody_and_tears_no_line),
        cmocka_unit_test(a_full_disk_stops_nobody_and_what_was_dropped_is_said_when_there_is_room),
        cmocka_unit_test(what_waits_at_exit_is_written),
        cmocka_unit_test(an_exit_does_not_wait_for_a_reader_for_good),
        cmocka_unit_test(what_waits_at_a_crash_is_written),
        cmocka_unit_test(a_child_writes_its_own_lines_and_not_its_parents),
        cmocka_unit_test(an_output_that_others_made_non_blocking_loses_nothing),
        cmocka_unit_test(a_standard_error_that_nobody_reads_stops_nobody),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests_name("log_out", tests, NULL, NULL);
}
