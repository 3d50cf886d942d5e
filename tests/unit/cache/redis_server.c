/* redis_server.c - see redis_server.h. */
// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/prctl.h>

#include "tests/unit/cache/redis_server.h"

char redis_server_dir[] = "/tmp/madang-redis.XXXXXX";
char redis_server_url[120], redis_server_path[100], redis_server_port[8];
pid_t redis_server_pid;
struct ev_loop *redis_server_loop;
void redis_server_start(const char *password)
{
    redis_server_pid = fork();
    if (redis_server_pid != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int null = open("/dev/null", O_WRONLY);
    dup2(null, 1);
    execlp("redis-server", "redis-server", "--port", *password ? redis_server_port : "0", "--bind", "127.0.0.1",
        "--unixsocket", redis_server_path, "--save", "", "--dir", redis_server_dir,
        *password ? "--requirepass" : (char *)NULL, password, (char *)NULL);
    _exit(127);
}

void redis_server_stop(void)
{
    if (redis_server_pid > 0) {
        kill(redis_server_pid, SIGKILL);
        waitpid(redis_server_pid, NULL, 0);
    }
    redis_server_pid = 0;
    unlink(redis_server_path);
}

int redis_server_begin(void **state)
{
    (void)state;
    log_init("test", LOG_ERROR + 1);
    signal(SIGPIPE, SIG_IGN);
    assert_non_null(mkdtemp(redis_server_dir));
    snprintf(redis_server_path, sizeof redis_server_path, "%s/s", redis_server_dir);
    snprintf(redis_server_url, sizeof redis_server_url, "unix://%s", redis_server_path);
    snprintf(redis_server_port, sizeof redis_server_port, "%d", free_port());
    redis_server_loop = ev_loop_new(EVFLAG_AUTO);
    return 0;
}

int redis_server_end(void **state)
{
    (void)state;
    redis_server_stop();
    ev_loop_destroy(redis_server_loop);
    return rmdir(redis_server_dir);
}

static void wake(struct ev_loop *l, ev_timer *t, int events)
{
    (void)l;
    (void)t;
    (void)events;
}

void redis_server_freeze(void)
{
    kill(redis_server_pid, SIGSTOP);
    assert_int_equal(waitpid(redis_server_pid, NULL, WUNTRACED), redis_server_pid);
}

bool redis_server_until(bool (*is_so)(void))
{
    int64_t end_us = clock_mono_us() + 20000000;
    ev_timer tick;
    bool so;

    ev_timer_init(&tick, wake, 0.02, 0.02);
    ev_timer_start(redis_server_loop, &tick);
    while (!(so = is_so()) && clock_mono_us() < end_us) ev_run(redis_server_loop, EVRUN_ONCE);
    ev_timer_stop(redis_server_loop, &tick);
    return so;
}
