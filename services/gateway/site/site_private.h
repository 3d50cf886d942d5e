/* site_private.h - the parts of a site among themselves. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ev.h>

#include "services/gateway/site/files.h"
#include "services/gateway/site/site.h"

#define SITE_SCRIPT_TYPE "text/javascript; charset=utf-8"

struct site {
    struct ev_loop *loop;
    struct site_config config;
    struct site_files *files; /* NULL: there is no directory */
    struct site_files *api;   /* about our own interface */
    struct site_files *front; /* the page at /; NULL: there is none */
    struct site_files *watch; /* what pages of links listen with */
    struct errand *errand;    /* while it is looked at */
    ev_timer timer;
    uint64_t mark;
    int proofs; /* of ACME, on their way */
};

/* site.c: the access line of an answer, which is written before it, as a request's texts end with it.
 * bytes: of its body; 0: none, or a refusal's. */
void site_log(struct http *http, int status, size_t bytes);

/* own_pages.c: answers what is ours at this path; false: nothing is.  "/" and what its page loads are in front_page.c. */
bool own_page_is_there(const struct site *site, struct str path);
bool own_page_answer(struct site *site, struct http *http, struct str path);

/* front_page.c: the files of the page at /; NULL: it is off. */
struct site_files *front_page_files(const struct site_config *config);
const struct site_file *front_page_find(const struct site *site, struct http *http, struct str path);
bool front_page_is_there(const struct site *site, struct str path);
extern const char front_page_policy[];
/* The client of Socket.IO that browsers load, npm's, as it is: docs/why/0074. */
void front_page_add_client(struct site_files *files, const char *path, const char *licence_path);

/* watch.c */
struct site_files *watch_files(void);

/* acme.c */
#define ACME_PATH "/.well-known/acme-challenge/"
extern const struct http_handler acme_handler;
