/* test_settings.c - settings: their defaults are sound, and what is wrong stops the start with one line. */
// SPDX-License-Identifier: Apache-2.0
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "libshared/base/network.h"
#include "libshared/service/settings_rows.h"

#define N8  "::1,::2,::3,::4,::5,::6,::7,::8,"
#define N64 N8 N8 N8 N8 N8 N8 N8 N8
#define N65 N64 "::9"

#define C7(n) "tcp://c:" n "1,tcp://c:" n "2,tcp://c:" n "3,tcp://c:" n "4,tcp://c:" n "5,tcp://c:" n "6,tcp://c:" n "7"
#define C14   C7("1") "," C7("2")
#define C16   C14 ",tcp://c:8,ipc:///run/c.sock"
#define C17   C16 ",tcp://c:9"

static struct settings settings;
static char said[1000];

/* Loads in a child, with one more variable; its exit status, and what it said. */
static int load_with(const char *variable, const char *value)
{
    int pipe_fds[2], status = -1;
    assert_int_equal(pipe(pipe_fds), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(pipe_fds[1], STDERR_FILENO);
        setenv(variable, value, 1);
        settings_load(&settings);
        _exit(0);
    }
    close(pipe_fds[1]);
    size_t len = 0;
    for (ssize_t n; (n = read(pipe_fds[0], said + len, sizeof said - 1 - len)) > 0;) len += (size_t)n;
    said[len] = '\0';
    close(pipe_fds[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status);
}

static void assert_one_line_about(const char *variable)
{
    assert_non_null(strstr(said, variable));
    assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
}

static void every_default_is_sound(void **state)
{
    (void)state;
    settings_load(&settings);
    assert_int_equal(settings.store.batch_max, 1000);
    assert_false(settings.gateway.plain);
    assert_string_equal(settings.common.log_level, "info");
    assert_true(settings.common.fetch_ports.at[0] == 443 && settings.common.fetch_ports.at[1] == 0);
    assert_int_equal(settings.gateway.trusted_proxies->n, 0);
}

static void the_environment_overrides(void **state)
{
    (void)state;
    setenv("MADANG_STORE_BATCH_MAX", "17", 1);
    setenv("MADANG_GATEWAY_PLAIN", "1", 1);
    setenv("MADANG_LOG_LEVEL", "warn", 1);
    setenv("MADANG_PUBLIC_URL", "https://Chat.example.org:443/", 1);
    setenv("MADANG_GATEWAY_TRUSTED_PROXIES", N64, 1);
    setenv("MADANG_CHAT_URL", C16, 1);
    settings_load(&settings);
    unsetenv("MADANG_CHAT_URL");
    unsetenv("MADANG_STORE_BATCH_MAX");
    unsetenv("MADANG_GATEWAY_PLAIN");
    unsetenv("MADANG_LOG_LEVEL");
    unsetenv("MADANG_PUBLIC_URL");
    unsetenv("MADANG_GATEWAY_TRUSTED_PROXIES");
    assert_int_equal(settings.store.batch_max, 17);
    assert_true(settings.gateway.plain);
    assert_string_equal(settings.common.log_level, "warn");
    assert_string_equal(settings.common.public_url, "https://chat.example.org");
    assert_int_equal(settings.gateway.trusted_proxies->n, NETWORKS_MAX);
    assert_int_equal(settings.common.chat_url.n, PARTS_MAX);
    assert_string_equal(settings.common.chat_url.at[15], "ipc:///run/c.sock");
}

static void a_wrong_value_stops_the_start(void **state)
{
    (void)state;
    static const struct {
        const char *variable, *value;
    } WRONG[] = {
        { "MADANG_STORE_WORKERS", "0" },
        { "MADANG_STORE_WORKERS", "65" },
        { "MADANG_STORE_WORKERS", "4x" },
        { "MADANG_STORE_WORKERS", "" },
        { "MADANG_GATEWAY_PLAIN", "yes" },
        { "MADANG_LOG_LEVEL", "loud" },
        { "MADANG_LOG_LEVEL", "inf" },
        { "MADANG_GATEWAY_NAME", "a-name-that-is-longer-than-it-may-be-" },
        { "MADANG_GATEWAY_TRUSTED_PROXIES", "10.0.0.0/24, 10.0.0.1/24, ::1" },
        { "MADANG_GATEWAY_TRUSTED_PROXIES", "*" },
        { "MADANG_GATEWAY_TRUSTED_PROXIES", N65 },
        { "MADANG_FETCH_PORTS", "" },
        { "MADANG_FETCH_PORTS", "443,x" },
        { "MADANG_FETCH_PORTS", "65536" },
        { "MADANG_FETCH_PORTS", "1,2,3,4,5,6,7,8,9" },
        { "MADANG_PUBLIC_URL", "chat.example.org" },
        { "MADANG_PUBLIC_URL", "https://chat.example.org/madang" },
        { "MADANG_PUBLIC_URL", "https://chat.example.org//" },
        { "MADANG_PUBLIC_URL", "https://chat.example.org/?" },
        { "MADANG_PUBLIC_URL", "https://user@chat.example.org" },
        { "MADANG_PUBLIC_URL", "" },
        { "MADANG_CHAT_URL", "" },
        { "MADANG_CHAT_URL", "tcp://chat:9002," },
        { "MADANG_CHAT_URL", "tcp://chat:9002,chat-2:9002" },
        { "MADANG_CHAT_URL", "tcp://chat:9002, tcp://chat:9002" },
        { "MADANG_CHAT_URL", C17 },
        { "MADANG_STORE_URL", "tcp://store:9003,tcp://store-2:9003" },
    };
    for (size_t i = 0; i < COUNT(WRONG); i++) {
        assert_int_equal(load_with(WRONG[i].variable, WRONG[i].value), 2);
        assert_one_line_about(WRONG[i].variable);
    }
}

static void the_wrong_word_of_a_list_is_named_alone(void **state)
{
    (void)state;
    assert_int_equal(load_with("MADANG_GATEWAY_TRUSTED_PROXIES", "::1, nonsense, 10.0.0.4"), 2);
    assert_non_null(strstr(said, "\"nonsense\""));
}

static void an_unknown_variable_stops_the_start_and_another_group_s_does_not(void **state)
{
    (void)state;
    assert_int_equal(load_with("MADANG_STORE_WORKRES", "4"), 2);
    assert_one_line_about("MADANG_STORE_WORKRES");
    assert_int_equal(load_with("MADANG_CHAT_WORKERS", "4"), 0);
    assert_int_equal(load_with("NOT_MADANG_STORE", "4"), 0);
}

static void every_variable_is_the_only_one_of_its_name(void **state)
{
    (void)state;
    char a[80], b[80];
    for (size_t i = 0; i < n_setting_rows; i++)
        for (size_t j = i + 1; j < n_setting_rows; j++) {
            setting_variable(&setting_rows[i], a, sizeof a);
            setting_variable(&setting_rows[j], b, sizeof b);
            assert_string_not_equal(a, b);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_default_is_sound),
        cmocka_unit_test(the_environment_overrides),
        cmocka_unit_test(a_wrong_value_stops_the_start),
        cmocka_unit_test(the_wrong_word_of_a_list_is_named_alone),
        cmocka_unit_test(an_unknown_variable_stops_the_start_and_another_group_s_does_not),
        cmocka_unit_test(every_variable_is_the_only_one_of_its_name),
    };
    return cmocka_run_group_tests_name("settings", tests, NULL, NULL);
}
