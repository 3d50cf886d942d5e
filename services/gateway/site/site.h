/*
 * site.h - what a gateway has for browsers besides its interfaces: an operator's files, and a few pages of our own.
 *
 *      /.well-known/acme-challenge/    proofs for a certificate authority, out of a directory
 *      anything else                   a file of the site's directory
 *                                      else ours: the page at / with its files, what pages of links listen with, robots.txt, favicon.ico, security.txt
 *                                      else the file that a single-page app has for its own paths
 *                                      else 404, as any refusal a page for browsers and an error object for programs
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/http/http_server.h"

struct ev_loop;
struct site;

/* Texts live as long as the site; "" is none. */
struct site_config {
    const char *dir, *fallback, *immutable, *policy;
    size_t bytes_max;
    double check_seconds;
    const char *acme_dir;
    bool page;            /* ours at / */
    bool demo;            /* and its demo */
    const char *home_url; /* where / leads in its place */
    const char *contact;  /* of security.txt */
    const char *public_url;
};

/* Reads the directory; exits with one clear line if it cannot. */
struct site *site_create(struct ev_loop *loop, const struct site_config *config);
void site_destroy(struct site **site); /* no request is left */
void site_mount(struct site *site, struct http_server *server);
void site_reload(struct site *site);
/* error_pages.c: as http_server_config.refusal_page. */
void error_page_make(
    struct arena *arena, int status, const char *code, struct str accept_language, struct http_refusal_page *out);
