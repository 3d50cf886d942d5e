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

/* The same outside of a batch, by whoever holds the row in room_head of the room that they are of and has stored them. */
enum err effects_run(
    struct pg *pg, struct arena *arena, struct message_list stored, const struct batch_limits *limits) MUST_CHECK;

/* batch.c: these as PostgreSQL reads an array; STR_NONE: there are none. */
struct str batch_ids_text(struct arena *arena, struct id_list ids);
