/*
 * login.h - passwords against a bcrypt hash, away from the loop.
 *
 *      login_check --> waiting (at most LOGIN_WAITING) --> a thread of its own, one or two at a time --> checked, on the loop
 *
 * bcrypt takes a good part of a second on purpose, so how many run and wait is bounded here, and how often one address
 * may try is its caller's business.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ev.h>

#include "libshared/base/str.h"

#define LOGIN_THREADS      2
#define LOGIN_WAITING      16
#define LOGIN_PASSWORD_MAX 200

struct login;

struct login *login_create(struct ev_loop *loop, const char *hash); /* the hash outlives it */
/* Waits for what runs; whoever waits is told no. */
void login_destroy(struct login **login);
/* false: too many wait.  Else `checked` is called once, later. */
bool login_check(struct login *login, struct str password, void (*checked)(void *arg, bool right), void *arg);
