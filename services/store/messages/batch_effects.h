/* batch_effects.h - what the entries of a batch do to messages as they are read: within the batch's transaction, behind APPEND. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <libpq-fe.h>

#include "services/store/messages/batch.h"

struct pg_args;

bool effects_prepare(PGconn *conn);
/* Only what this batch has of them. */
bool effects_send(
    PGconn *conn, struct arena *arena, struct append *const *at, size_t n, const struct batch_limits *limits);

/* batch.c: a prepared statement into the pipeline. */
bool batch_send(PGconn *conn, const char *name, const struct pg_args *args);
