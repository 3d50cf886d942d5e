/* test_fetch_mail.c - mails by the door outwards, to a real mail server (tests/lib/smtp_sink.py) in each mood that one may be in. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/fetch/fetch.h"
#include "tests/lib/free_port.h"

#define ANSWER_MS 20000

static char certs[] = "/tmp/madang-smtp.XXXXXX", certificate[64], key[64], authority[64];
static struct ev_loop *loop;
static struct fetcher *fetcher;
static pid_t server;
static FILE *said; /* what the server prints, a line each */
static int port;
static char url[64], line[65536];

static int start_all(void **state)
{
    char command[200];

    (void)state;
    log_init("test", LOG_ERROR);
    assert_non_null(mkdtemp(certs));
    snprintf(command, sizeof command, "scripts/certs %s", certs);
    assert_int_equal(system(command), 0);
    snprintf(certificate, sizeof certificate, "%s/server.crt", certs);
    snprintf(key, sizeof key, "%s/server.key", certs);
    snprintf(authority, sizeof authority, "%s/ca.crt", certs);
    return 0;
}

static int stop_all(void **state)
{
    char command[200];

    (void)state;
    snprintf(command, sizeof command, "rm -rf %s", certs);
    return system(command);
}

static void become_server(int out, const char *const *words)
{
    char text[16];
    const char *argv[16] = { "python3", "-B", "tests/lib/smtp_sink.py", text };
    int n = 4;

    snprintf(text, sizeof text, "%d", port);
    while (*words != NULL) argv[n++] = *words++;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(out, STDOUT_FILENO);
    execv("/usr/bin/python3", (char **)(uintptr_t)argv);
    _exit(127);
}

/* With words of smtp_sink.py; returns when it listens. */
static void begin_server(const char *scheme, const char *const *words, const char *ca)
{
    int ends[2];

    port = free_port();
    assert_int_equal(pipe(ends), 0);
    server = fork();
    if (server == 0) become_server(ends[1], words);
    close(ends[1]);
    said = fdopen(ends[0], "r");
    assert_non_null(fgets(line, sizeof line, said));
    assert_non_null(strstr(line, "listening"));
    snprintf(url, sizeof url, "%s://127.0.0.1:%d", scheme, port);
    loop = ev_loop_new(0);
    fetcher = fetcher_create(
        loop, &(struct fetcher_config){
                  .user_agent = "madang", .ca_file = ca, .running_max = 2, .host_max = 2, .waiting_max = 10 });
}

static void end_server(void)
{
    fetcher_destroy(&fetcher);
    ev_loop_destroy(loop);
    kill(server, SIGTERM);
    waitpid(server, NULL, 0);
    fclose(said);
}

#define SERVER(scheme, ca, ...) begin_server(scheme, (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL }, ca)

static struct {
    int n;
    enum fetch_result result;
    int status;
    char body[600];
} answer;

static void on_answer(void *arg, const struct fetch_answer *got)
{
    (void)arg;
    answer.n++;
    answer.result = got->result;
    answer.status = got->status;
    snprintf(answer.body, sizeof answer.body, "%.*s", STR_ARG(got->body));
}

static void on_tick(struct ev_loop *on, ev_timer *timer, int events)
{
    (void)on, (void)timer, (void)events;
}

static enum fetch_result send_mail(struct fetch_mail mail)
{
    int64_t until = clock_ms() + ANSWER_MS;
    int before = answer.n;
    ev_timer tick;

    if (mail.url.len == 0) mail.url = str_of(url);
    if (mail.to.len == 0) mail.to = STR("ada@example.org");
    if (mail.from.len == 0) mail.from = STR("gate@example.org");
    mail.greeting = STR("example.org");
    mail.message =
        STR("Subject: x\r\nContent-Type: multipart/alternative; boundary=\"b\"\r\n\r\n--b\r\n\r\n.dots\r\n..more"
            "\r\n--b\r\nContent-Type: text/html\r\n\r\nx\r\n--b--\r\n");
    if (mail.timeout_ms == 0) mail.timeout_ms = ANSWER_MS;
    fetch_mail(fetcher, &mail, on_answer, NULL);
    ev_timer_init(&tick, on_tick, 0.01, 0.01);
    ev_timer_start(loop, &tick);
    while (answer.n == before && clock_ms() < until) ev_run(loop, EVRUN_ONCE);
    ev_timer_stop(loop, &tick);
    assert_int_equal(answer.n, before + 1);
    return answer.result;
}

static const char *next_mail(void)
{
    do assert_non_null(fgets(line, sizeof line, said));
    while (strstr(line, "\"mail\"") == NULL);
    return line;
}

static void a_mail_is_taken_as_it_is_and_the_connection_kept(void **state)
{
    (void)state;
    SERVER("smtp", NULL);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(send_mail((struct fetch_mail){ .plain = true }), FETCH_ANSWERED);
        assert_int_equal(answer.status, 250);
        assert_non_null(strstr(next_mail(), "\"text\": \".dots\\r\\n..more\""));
        assert_non_null(strstr(line, "\"session\": 1"));
        assert_non_null(strstr(line, "\"ehlo\": \"example.org\""));
    }
    end_server();
}

static void a_mail_that_is_refused_is_judged_with_the_servers_code(void **state)
{
    (void)state;
    SERVER("smtp", NULL);
    assert_int_equal(send_mail((struct fetch_mail){ .plain = true, .to = STR("refused@example.org") }), FETCH_ANSWERED);
    assert_int_equal(answer.status, 550);
    assert_string_equal(answer.body, "550 5.1.1 <refused@example.org> unknown here");
    assert_int_equal(send_mail((struct fetch_mail){ .plain = true, .to = STR("busy@example.org") }), FETCH_ANSWERED);
    assert_int_equal(answer.status, 451);
    assert_int_equal(send_mail((struct fetch_mail){ .plain = true }), FETCH_ANSWERED);
    assert_int_equal(answer.status, 250);
    end_server();
}

static void a_server_that_refuses_us_has_not_judged_the_mail(void **state)
{
    (void)state;
    SERVER("smtp", NULL, "--greet", "554");
    assert_int_equal(send_mail((struct fetch_mail){ .plain = true }), FETCH_BROKEN);
    end_server();
}

static void silence_and_a_connection_that_is_cut_are_no_judgement(void **state)
{
    (void)state;
    SERVER("smtp", NULL);
    assert_int_equal(
        send_mail((struct fetch_mail){ .plain = true, .to = STR("silent@example.org"), .timeout_ms = 300 }),
        FETCH_TIMEOUT);
    assert_int_equal(send_mail((struct fetch_mail){ .plain = true, .to = STR("cut@example.org") }), FETCH_BROKEN);
    end_server();
}

static void nobody_listens(void **state)
{
    (void)state;
    SERVER("smtp", NULL);
    snprintf(url, sizeof url, "smtp://127.0.0.1:%d", free_port());
    assert_int_equal(send_mail((struct fetch_mail){ .plain = true }), FETCH_NOT_CONNECTED);
    end_server();
}

static void tls_that_is_required_is_not_done_without(void **state)
{
    (void)state;
    SERVER("smtp", authority);
    assert_int_equal(send_mail((struct fetch_mail){ .plain = false }), FETCH_TLS_FAILED);
    end_server();
    SERVER("smtp", NULL, "--starttls", certificate, key); /* of an authority that nobody knows */
    assert_int_equal(send_mail((struct fetch_mail){ .plain = false }), FETCH_TLS_FAILED);
    end_server();
    SERVER("smtp", authority, "--starttls", certificate, key);
    assert_int_equal(send_mail((struct fetch_mail){ .plain = false }), FETCH_ANSWERED);
    assert_non_null(strstr(next_mail(), "\"tls\": true"));
    end_server();
    SERVER("smtps", authority, "--tls", certificate, key);
    assert_int_equal(send_mail((struct fetch_mail){ .plain = false }), FETCH_ANSWERED);
    assert_non_null(strstr(next_mail(), "\"tls\": true"));
    end_server();
}

static void a_password_is_wanted_and_compared(void **state)
{
    (void)state;
    SERVER("smtp", authority, "--starttls", certificate, key, "--login", "ada", "secret");
    assert_int_equal(send_mail((struct fetch_mail){ .user = "ada", .password = "wrong" }), FETCH_LOGIN_REFUSED);
    assert_int_equal(send_mail((struct fetch_mail){ .user = "ada", .password = "secret" }), FETCH_ANSWERED);
    assert_non_null(strstr(next_mail(), "\"user\": \"ada\""));
    end_server();
}

static void what_would_be_another_command_or_another_door_is_refused_here(void **state)
{
    static const char *const urls[] = { "http://127.0.0.1", "file:///etc/passwd", "ldap://127.0.0.1" };
    const struct str bad[] = { STR("a@example.org>\r\nRCPT TO:<b@example.org"), STR("a b@example.org"), STR(""),
        STR("<a@example.org>") };

    (void)state;
    SERVER("smtp", NULL);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(
            send_mail((struct fetch_mail){ .plain = true, .to = bad[i].len > 0 ? bad[i] : STR(" ") }), FETCH_BAD_URL);
        assert_int_equal(
            send_mail((struct fetch_mail){ .plain = true, .from = bad[i].len > 0 ? bad[i] : STR(" ") }), FETCH_BAD_URL);
    }
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        enum fetch_result result = send_mail((struct fetch_mail){ .plain = true, .url = str_of(urls[i]) });
        assert_true(result == FETCH_SCHEME_REFUSED || result == FETCH_BAD_URL);
    }
    end_server();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mail_is_taken_as_it_is_and_the_connection_kept),
        cmocka_unit_test(a_mail_that_is_refused_is_judged_with_the_servers_code),
        cmocka_unit_test(a_server_that_refuses_us_has_not_judged_the_mail),
        cmocka_unit_test(silence_and_a_connection_that_is_cut_are_no_judgement),
        cmocka_unit_test(nobody_listens),
        cmocka_unit_test(tls_that_is_required_is_not_done_without),
        cmocka_unit_test(a_password_is_wanted_and_compared),
        cmocka_unit_test(what_would_be_another_command_or_another_door_is_refused_here),
    };
    return cmocka_run_group_tests_name("mails outwards", tests, start_all, stop_all);
}
