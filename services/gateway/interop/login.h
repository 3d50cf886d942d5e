/*
 * login.h - passwords against a bcrypt hash, away from the loop.
 *
 *      login_check --> a pool of threads without a database --> checked, on the loop
 *
 * bcrypt takes a good part of a second on purpose, so how many run and wait is bounded by the pool, fair to each address;
 * how often one may try is its caller's business.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ev.h>

#include "libshared/base/err.h"
#include "libshared/base/str.h"

#define LOGIN_THREADS      2
#define LOGIN_WAITING      16 /* of one address: a fourth */
#define LOGIN_PASSWORD_MAX 200

struct login;

/* OK: it is right; ERR_UNAUTHENTICATED: it is wrong; ERR_OVERLOADED, ERR_SHUTTING_DOWN: it was not looked at. */
typedef void login_checked_fn(void *arg, enum err e);

struct login *login_create(struct ev_loop *loop, const char *hash); /* the hash outlives it */
/* Waits for what runs; those that wait are told. */
void login_destroy(struct login **login);
/* `checked` is called once, later or, where too many wait already, at once. */
void login_check(struct login *login, struct str address, struct str password, login_checked_fn *checked, void *arg);
