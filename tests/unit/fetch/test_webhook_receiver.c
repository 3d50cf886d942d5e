/* test_webhook_receiver.c - what two settings say of the operator's server, and that a process does not start with nonsense. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "libshared/fetch/webhook_receiver.h"

#define ONE   "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
#define OTHER "whsec_plJ3nmyCDGBKInavdOK15jslAAAAAAAA"

static char path[] = "/tmp/webhook_receiver.XXXXXX";

static void write_file(const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static size_t secrets_of(const char *text)
{
    write_file(text);
    struct webhook_receiver *receiver = webhook_receiver_create("MADANG_X", "https://push.example.org/x", path);
    size_t n = receiver->n;
    webhook_receiver_destroy(&receiver);
    assert_null(receiver);
    return n;
}

static void two_lines_are_two_secrets(void **state)
{
    (void)state;
    assert_int_equal(secrets_of(ONE), 1);
    assert_int_equal(secrets_of(ONE "\n"), 1);
    assert_int_equal(secrets_of(ONE "\r\n" OTHER "\n"), 2);
    assert_int_equal(secrets_of(ONE "\n" OTHER "\n" ONE "\n"), 2);
    assert_null(webhook_receiver_create("MADANG_X", "", path));
}

/* Its standard error, as its exit status is 2. */
static void assert_refused(const char *url, const char *file, const char *wanted)
{
    char said[500] = "";
    int pipes[2], status;

    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(pipes[1], 2);
        close(pipes[0]);
        webhook_receiver_create("MADANG_X", url, file);
        _exit(0);
    }
    close(pipes[1]);
    assert_true(read(pipes[0], said, sizeof said - 1) > 0);
    close(pipes[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 2);
    assert_non_null(strstr(said, wanted));
    assert_null(strstr(said, "MfKQ9r8"));
}

static void nonsense_ends_the_process(void **state)
{
    (void)state;
    write_file(ONE "\nwhsec_short\n");
    assert_refused("https://push.example.org/", path, "MADANG_X_SECRET: wants a file");
    assert_refused("https://push.example.org/", "/nowhere", "MADANG_X_SECRET: wants a file");
    assert_refused("https://push.example.org/", "", "MADANG_X_SECRET: is wanted with MADANG_X");
    assert_refused("push.example.org", path, "MADANG_X: wants https://host/path");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_lines_are_two_secrets),
        cmocka_unit_test(nonsense_ends_the_process),
    };
    int fd = mkstemp(path);

    if (fd < 0) return 1;
    close(fd);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
