/* redis_server.h - a real redis-server for one test program, on a socket of its own, and a loop to turn. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <ev.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "tests/lib/free_port.h"

extern char redis_server_url[120], redis_server_path[100], redis_server_port[8];
extern pid_t redis_server_pid;

/* It stands still when this returns, until SIGCONT. */
void redis_server_freeze(void);
extern struct ev_loop *redis_server_loop;

/* With a password, also on `port`. */
void redis_server_start(const char *password);
void redis_server_stop(void);
int redis_server_begin(void **state);
int redis_server_end(void **state);

/* Turn the loop until it is so; false: not within twenty seconds. */
bool redis_server_until(bool (*is_so)(void));
