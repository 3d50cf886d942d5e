/* acme.c - what a certificate authority asks for to see whose host this is: a file, read on a thread when it is asked for. */
// SPDX-License-Identifier: Apache-2.0
#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "libshared/base/errand.h"
#include "services/gateway/site/site_private.h"

#define TOKEN_MAX      128
#define PROOF_MAX      1024
#define PROOFS_AT_ONCE 8

struct acme_proof {
    struct site *site;
    struct http *http;
    struct errand *errand;
    char path[PATH_MAX];
    char text[PROOF_MAX];
    ssize_t len;
};

static void read_proof(void *work)
{
    struct acme_proof *proof = work;
    int fd = open(proof->path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    proof->len = fd >= 0 ? read(fd, proof->text, sizeof proof->text) : -1;
    if (fd >= 0) close(fd);
}

/* It is freed as soon as its thread is done with it, too. */
static void forget_proof(struct acme_proof *proof)
{
    proof->site->proofs--;
    errand_end(&proof->errand);
}

static void answer_proof(void *arg, void *work)
{
    struct acme_proof *proof = work;

    (void)arg;
    http_set_user(proof->http, NULL);
    if (proof->len >= 0)
        http_reply(proof->http, 200, "application/octet-stream", (struct str){ proof->text, (size_t)proof->len },
            &(struct http_header_out){ "Cache-Control", STR("no-store") }, 1);
    else
        http_reply_refusal(proof->http, 404, NULL, 0);
    forget_proof(proof);
}

/* base64url: so no path leads out of the directory. */
static bool is_token(struct str token)
{
    for (size_t i = 0; i < token.len; i++)
        if (!isalnum((unsigned char)token.at[i]) && token.at[i] != '-' && token.at[i] != '_') return false;
    return token.len > 0 && token.len <= TOKEN_MAX;
}

static bool ask_for_proof(struct site *site, struct http *http, struct str token)
{
    static const struct errand_kind kind = { read_proof, answer_proof, mem_free };
    struct acme_proof *proof = mem_zero(sizeof *proof);

    *proof = (struct acme_proof){ .site = site, .http = http, .len = -1 };
    snprintf(proof->path, sizeof proof->path, "%s/%.*s", site->config.acme_dir, STR_ARG(token));
    struct errand *errand = errand_begin(site->loop, &kind, proof, site);
    if (errand == NULL) return false;
    proof->errand = errand;
    http_set_user(http, proof);
    site->proofs++;
    return true;
}

static int on_begin(void *arg, struct http *http)
{
    (void)arg, (void)http;
    return 0;
}

static void on_ready(void *arg, struct http *http)
{
    struct site *site = arg;
    struct str token = str_skip(http_path(http), sizeof ACME_PATH - 1);

    if (!is_token(token))
        http_reply_refusal(http, 404, NULL, 0);
    else if (site->proofs >= PROOFS_AT_ONCE || !ask_for_proof(site, http, token))
        http_reply(http, 503, NULL, STR_NONE, &(struct http_header_out){ "Retry-After", STR("1") }, 1);
}

static void on_gone(void *arg, struct http *http)
{
    (void)arg;
    if (http_user(http) != NULL) forget_proof(http_user(http));
}

const struct http_handler acme_handler = {
    .methods = "GET, HEAD", .begin = on_begin, .ready = on_ready, .gone = on_gone
};
