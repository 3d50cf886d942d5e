/* directory_private.h - what the files of directory share. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ev.h>

#include "libshared/directory/directory.h"

struct rpc_client;

/* A page on its way into the tables, and what came of it. */
struct directory_page {
    const struct directory_config *config;
    struct users_position asked; /* from where */
    struct buf body;             /* a users_page, as auth sent it */
    struct users_position taken; /* up to where it is now */
    bool more;                   /* there is more to ask for, or to sweep */
    void *found;                 /* by the hook `look`; NULL: nothing is to be told */
};

struct directory {
    struct directory_config config;
    struct ev_loop *loop;
    struct rpc_server *server; /* NULL: it does not serve yet */
    struct rpc_client *auth;
    ev_timer retry;
    bool is_early; /* those who are to hear of changes may not be back yet */
    bool busy;     /* a question or a page is under way */
    bool again;    /* something may have happened behind what is under way */
    bool known;    /* where we are */
    struct directory_page page;
};

/* directory_page.c, on a worker. */
enum err directory_position(struct pg *pg, struct arena *arena, struct users_position *out) MUST_CHECK;
/* ERR_CONFLICT: the position is another than was asked from; another process of this service was faster. */
enum err directory_take(struct pg *pg, struct arena *arena, struct directory_page *page) MUST_CHECK;
