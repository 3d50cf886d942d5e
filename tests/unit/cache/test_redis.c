/* test_redis.c - Redis that is there, away, killed, frozen and back again: a real redis-server throughout. */
// SPDX-License-Identifier: Apache-2.0
#include <dlfcn.h>
#include <hiredis/hiredis.h>
#include <netdb.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "libshared/cache/redis.h"
#include "libshared/cache/redis_link.h"
#include "tests/unit/cache/redis_server.h"

static struct redis *redis;

static int begin(void **state)
{
    (void)state;
    redis_server_start("");
    redis = redis_create(redis_server_loop, redis_server_url);
    return 0;
}

static int end(void **state)
{
    (void)state;
    redis_destroy(&redis);
    redis_server_stop();
    return 0;
}

static bool is_up(void)
{
    return redis_is_up(redis);
}

static bool is_away(void)
{
    return !redis_is_up(redis);
}

static int answers, unknowns;
static char last[100];

static void on_answer(void *arg, const struct redisReply *reply)
{
    (void)arg;
    answers += reply != NULL;
    unknowns += reply == NULL;
    if (reply != NULL && reply->str != NULL) snprintf(last, sizeof last, "%s", reply->str);
}

static bool has_answer(void)
{
    return answers + unknowns > 0;
}

static void ask(struct str a, struct str b, struct str c)
{
    struct str words[] = { a, b, c };

    answers = unknowns = 0;
    last[0] = '\0';
    redis_command(redis, on_answer, NULL, words, c.at ? 3 : 2);
}

static void a_command_is_answered(void **state)
{
    (void)state;
    assert_true(redis_server_until(is_up));
    ask(STR("SET"), STR("k"), STR("v"));
    assert_true(redis_server_until(has_answer));
    ask(STR("GET"), STR("k"), STR_NONE);
    assert_true(redis_server_until(has_answer));
    assert_int_equal(answers, 1);
    assert_string_equal(last, "v");
}

static void a_reply_beyond_any_bound_is_not_collected(void **state)
{
    (void)state;
    char last_byte[24];
    struct str words[] = { STR("SETRANGE"), STR("large"), STR_NONE, STR("x") };

    snprintf(last_byte, sizeof last_byte, "%u", 2 * REDIS_REPLY_MAX);
    words[2] = str_of(last_byte);
    answers = 0;
    for (int tries = 0; answers == 0 && tries < 5; tries++) { /* so much may take longer than is waited */
        unknowns = 0;
        assert_true(redis_server_until(is_up));
        redis_command(redis, on_answer, NULL, words, COUNT(words));
        assert_true(redis_server_until(has_answer));
    }
    assert_int_equal(answers, 1);
    ask(STR("GET"), STR("large"), STR_NONE);
    assert_true(redis_server_until(has_answer));
    assert_int_equal(unknowns, 1);
    assert_true(redis_server_until(is_up));

    for (int i = 0; i < 40; i++) { /* what is answered is not added up */
        char part[24];
        snprintf(part, sizeof part, "%u", 4u << 20);
        struct str slice[] = { STR("GETRANGE"), STR("large"), STR("0"), str_of(part) };
        answers = unknowns = 0;
        redis_command(redis, on_answer, NULL, slice, COUNT(slice));
        assert_true(redis_server_until(has_answer));
        assert_int_equal(answers, 1);
    }
}

/* `lists` lists of so many numbers each. */
static void ask_for_lists(const char *lists, const char *numbers)
{
    static const char script[] = "local all = {} for i = 1, ARGV[1] do all[i] = {} "
                                 "for k = 1, ARGV[2] do all[i][k] = k end end return all";
    struct str words[] = { STR("EVAL"), str_of(script), STR("0"), str_of(lists), str_of(numbers) };

    answers = unknowns = 0;
    redis_command(redis, on_answer, NULL, words, COUNT(words));
    assert_true(redis_server_until(has_answer));
}

static void lists_beyond_any_bound_are_not_made_room_for(void **state)
{
    (void)state;
    assert_true(redis_server_until(is_up));
    for (int i = 0; i < 3; i++) { /* what is answered is not added up */
        ask_for_lists("200", "300");
        assert_int_equal(answers, 1);
    }
    ask_for_lists("1", "65536");
    assert_int_equal(unknowns, 1);
    assert_true(redis_server_until(is_up));
    ask_for_lists("256", "256");
    assert_int_equal(unknowns, 1);
    assert_true(redis_server_until(is_up));
    ask_for_lists("1", "60000");
    assert_int_equal(answers, 1);
}

/* In the place of the server: whatever it is asked, it says this. */
static void start_liar(const char *text)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    int listening = socket(AF_UNIX, SOCK_STREAM, 0);

    snprintf(at.sun_path, sizeof at.sun_path, "%s", redis_server_path);
    unlink(redis_server_path);
    assert_int_equal(bind(listening, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(listening, 10), 0);
    redis_server_pid = fork();
    if (redis_server_pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (int fd; (fd = accept(listening, NULL, NULL)) >= 0;) {
            char asked[1000];
            if (fork() != 0) continue;
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            while (read(fd, asked, sizeof asked) > 0 && write(fd, text, strlen(text)) > 0) continue;
            _exit(0);
        }
        _exit(0);
    }
    close(listening);
}

static void on_while(struct ev_loop *on, ev_timer *timer, int events)
{
    (void)timer, (void)events;
    ev_break(on, EVBREAK_ALL);
}

static void turn_for_a_while(void)
{
    ev_timer timer;

    ev_timer_init(&timer, on_while, 0.1, 0.);
    ev_timer_start(redis_server_loop, &timer);
    ev_run(redis_server_loop, 0);
    ev_timer_stop(redis_server_loop, &timer);
}

static void no_message(void *arg, struct str channel, struct str bytes)
{
    (void)arg, (void)channel, (void)bytes;
    fail();
}

static void nonsense_ends_a_connection_and_no_process(void **state)
{
    static const char *const lies[] = { ":1\r\n:2\r\n", "+OK\r\n$-1\r\n", "*0\r\n", "*1\r\n:1\r\n",
        "*2\r\n$7\r\nmessage\r\n$1\r\nc\r\n", "*3\r\n:1\r\n:1\r\n:1\r\n", "*3\r\n$-1\r\n$1\r\nc\r\n:1\r\n",
        "*3\r\n$7\r\nmessage\r\n*1\r\n:1\r\n:1\r\n", "*3\r\n$7\r\nmessage\r\n:1\r\n$1\r\nx\r\n",
        "*3\r\n$11\r\nunsubscribe\r\n$1\r\nc\r\n$1\r\nx\r\n", "*3\r\n$0\r\n\r\n$1\r\nc\r\n:1\r\n",
        "*3\r\n+message\r\n$1\r\nc\r\n$1\r\nx\r\n", "*2147483647\r\n:1\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", "%1\r\n+a\r\n:1\r\n" };

    (void)state;
    for (size_t i = 0; i < COUNT(lies); i++) {
        redis_destroy(&redis);
        redis_server_stop();
        start_liar(lies[i]);
        redis = redis_create(redis_server_loop, redis_server_url);
        redis_subscribe(redis, STR("c"), false, no_message, NULL);
        assert_true(redis_server_until(is_up));
        ask(STR("GET"), STR("k"), STR_NONE);
        assert_true(redis_server_until(has_answer));
        turn_for_a_while();
    }
    redis_destroy(&redis);
    redis_server_stop();
    redis_server_start("");
    redis = redis_create(redis_server_loop, redis_server_url);
    assert_true(redis_server_until(is_up));
}

static void no_redis_means_dont_know_at_once(void **state)
{
    (void)state;
    redis_destroy(&redis);
    redis = redis_create(redis_server_loop, "");
    ask(STR("GET"), STR("k"), STR_NONE);
    assert_int_equal(unknowns, 1);
    assert_false(redis_is_up(redis));
}

static void a_killed_server_is_found_again(void **state)
{
    (void)state;
    assert_true(redis_server_until(is_up));
    redis_server_stop();
    ask(STR("GET"), STR("k"), STR_NONE);
    assert_true(redis_server_until(has_answer));
    assert_int_equal(unknowns, 1);
    assert_true(redis_server_until(is_away));
    ask(STR("GET"), STR("k"), STR_NONE);
    assert_int_equal(unknowns, 1); /* at once */
    redis_server_start("");
    assert_true(redis_server_until(is_up));
    ask(STR("SET"), STR("k"), STR("w"));
    assert_true(redis_server_until(has_answer));
    assert_int_equal(answers, 1);
}

static void a_frozen_server_counts_as_away(void **state)
{
    (void)state;
    assert_true(redis_server_until(is_up));
    redis_server_freeze();
    ask(STR("GET"), STR("k"), STR_NONE);
    assert_true(redis_server_until(has_answer));
    assert_int_equal(unknowns, 1);
    assert_true(is_away());
    kill(redis_server_pid, SIGCONT);
    assert_true(redis_server_until(is_up));
}

static char heard[100];
static int n_heard;

static void on_heard(void *arg, struct str channel, struct str bytes)
{
    n_heard++;
    snprintf(heard, sizeof heard, "%s %.*s %.*s", (const char *)arg, STR_ARG(channel), STR_ARG(bytes));
}

/* PUBLISH answers with the number of subscribers; a subscription that comes late is why we ask again. */
static bool someone_heard(void)
{
    if (n_heard == 0 && redis_is_up(redis)) ask(STR("PUBLISH"), STR("news.one"), STR("hello"));
    return n_heard > 0;
}

static void subscriptions_survive_the_server(void **state)
{
    (void)state;
    static char tag[] = "pattern";
    redis_subscribe(redis, STR("news.*"), true, on_heard, tag);
    for (int i = 0; i < 2; i++) {
        n_heard = 0;
        assert_true(redis_server_until(someone_heard));
        assert_string_equal(heard, "pattern news.one hello");
        redis_server_stop();
        redis_server_start("");
    }
}

static void a_password_is_given_and_a_wrong_one_is_no_redis(void **state)
{
    (void)state;
    static const struct str ping[] = { { "PING", 4 } };
    char tcp[100];

    redis_destroy(&redis);
    redis_server_stop();
    redis_server_start("p@ss:w/rd");
    snprintf(tcp, sizeof tcp, "redis://:p@ss:w/rd@127.0.0.1:%s/2", redis_server_port);
    redis = redis_create(redis_server_loop, tcp);
    assert_true(redis_server_until(is_up));
    answers = unknowns = 0;
    redis_command(redis, on_answer, NULL, ping, 1);
    assert_true(redis_server_until(has_answer));
    assert_string_equal(last, "PONG");

    redis_destroy(&redis);
    snprintf(tcp, sizeof tcp, "redis://:wrong@127.0.0.1:%s", redis_server_port);
    redis = redis_create(redis_server_loop, tcp);
    assert_true(redis_server_until(is_up));
    assert_true(redis_server_until(is_away));
}

/* Between us and the C library: "slow.test" is ::1 and 127.0.0.1, and is told when its name server is back. */
static atomic_bool name_server_is_back;
static atomic_int asked;

int getaddrinfo(const char *host, const char *port_, const struct addrinfo *hints, struct addrinfo **out)
{
    int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = NULL;

    *(void **)&real = dlsym(RTLD_NEXT, "getaddrinfo");
    if (host == NULL || strcmp(host, "slow.test") != 0) return real(host, port_, hints, out);
    atomic_fetch_add(&asked, 1);
    while (!atomic_load(&name_server_is_back)) usleep(1000);
    return real(hints->ai_family == AF_INET ? "127.0.0.1" : "::1", port_, hints, out);
}

static bool was_asked(void)
{
    return atomic_load(&asked) > 0;
}

static void a_name_server_that_does_not_answer_holds_nobody_up(void **state)
{
    char slow[100];

    (void)state;
    redis_server_stop();
    redis_server_start("pw");
    snprintf(slow, sizeof slow, "redis://:pw@slow.test:%s", redis_server_port);
    redis_destroy(&redis);
    redis = redis_create(redis_server_loop, slow);
    assert_true(redis_server_until(was_asked));
    assert_false(is_up());
    atomic_store(&name_server_is_back, true);
    assert_true(redis_server_until(is_up));
}

/* The thread that asks outlives whoever wanted to know. */
static void one_may_leave_while_a_name_is_asked_for(void **state)
{
    char slow[100];

    (void)state;
    atomic_store(&name_server_is_back, false);
    snprintf(slow, sizeof slow, "redis://slow.test:%s", redis_server_port);
    redis_destroy(&redis);
    redis = redis_create(redis_server_loop, slow);
    redis_destroy(&redis);
    atomic_store(&name_server_is_back, true);
    redis = redis_create(redis_server_loop, redis_server_url);
    assert_true(redis_server_until(is_up));
}

static void urls_are_taken_apart(void **state)
{
    (void)state;
    static const struct {
        const char *text, *host, *path, *user, *password;
        int port, db;
    } good[] = {
        { "redis://h", "h", NULL, NULL, NULL, 6379, 0 },
        { "redis://h:7000/3", "h", NULL, NULL, NULL, 7000, 3 },
        { "redis://:pw@h/", "h", NULL, NULL, "pw", 6379, 0 },
        { "redis://u:p@[::1]:6380", "::1", NULL, "u", "p", 6380, 0 },
        { "redis://me:p@ss:w/rd@h", "h", NULL, "me", "p@ss:w/rd", 6379, 0 }, /* the last @ ends it */
        { "unix:///run/r.sock", NULL, "/run/r.sock", NULL, NULL, 0, 0 },
    };
    static const char *const bad[] = { "http://h", "redis://", "redis://h:x", "redis://h:70000", "redis://u@h",
        "redis://h/x", "unix://r", "redis://[::1", "redis://[::1]x" };
    struct redis_url u;

    for (size_t i = 0; i < COUNT(good); i++) {
        assert_true(redis_url_parse(str_of(good[i].text), &u));
        assert_true(str_eq(str_of(u.host), str_of(good[i].host)) && str_eq(str_of(u.path), str_of(good[i].path)));
        assert_true(
            str_eq(str_of(u.user), str_of(good[i].user)) && str_eq(str_of(u.password), str_of(good[i].password)));
        assert_int_equal(u.port, good[i].port);
        assert_int_equal(u.db, good[i].db);
        redis_url_free(&u);
    }
    for (size_t i = 0; i < COUNT(bad); i++)
        if (redis_url_parse(str_of(bad[i]), &u)) fail_msg("%s was taken", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
        T(a_command_is_answered),
        T(a_reply_beyond_any_bound_is_not_collected),
        T(lists_beyond_any_bound_are_not_made_room_for),
        T(nonsense_ends_a_connection_and_no_process),
        T(no_redis_means_dont_know_at_once),
        T(a_killed_server_is_found_again),
        T(a_frozen_server_counts_as_away),
        T(subscriptions_survive_the_server),
        T(a_password_is_given_and_a_wrong_one_is_no_redis),
        T(a_name_server_that_does_not_answer_holds_nobody_up),
        T(one_may_leave_while_a_name_is_asked_for),
        cmocka_unit_test(urls_are_taken_apart),
    };
    return cmocka_run_group_tests(tests, redis_server_begin, redis_server_end);
}
