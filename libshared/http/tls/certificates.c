/* certificates.c - the chains and keys of TLS: read from files, and chosen by the name that a client asks for. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/tls/certificates.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "libshared/base/arena.h"
#include "libshared/base/fnv.h"

/* Subject names have been out of use for names of hosts since RFC 2818's successors. */
#define NAME_FLAGS (X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS)

static char *copy_path(struct str path)
{
    char *copy = mem_alloc(path.len + 1);

    if (path.len > 0) memcpy(copy, path.at, path.len);
    copy[path.len] = '\0';
    return copy;
}

static time_t time_of(const ASN1_TIME *at)
{
    struct tm utc = { 0 };

    return ASN1_TIME_to_tm(at, &utc) == 1 ? timegm(&utc) : 0;
}

static const char *read_pair(struct certificate *out, const char *key)
{
    out->holder = SSL_CTX_new(TLS_server_method());
    if (out->holder == NULL || SSL_CTX_use_certificate_chain_file(out->holder, out->path) != 1)
        return "the certificate cannot be read";
    if (SSL_CTX_use_PrivateKey_file(out->holder, key, SSL_FILETYPE_PEM) != 1)
        return "the private key cannot be read, or is not the certificate's";
    if (SSL_CTX_check_private_key(out->holder) != 1) return "the private key is not the certificate's";
    const X509 *leaf = SSL_CTX_get0_certificate(out->holder);
    out->since = time_of(X509_get0_notBefore(leaf));
    out->until = time_of(X509_get0_notAfter(leaf));
    return out->until > out->since ? NULL : "the certificate ends before it begins";
}

static bool read_next(struct certificates *all, struct str *chains, struct str *keys, char *why, size_t size)
{
    struct str chain = str_trim(str_cut(chains, ',')), key = str_trim(str_cut(keys, ','));

    if (all->n == CERTIFICATES_MAX) {
        snprintf(why, size, "there are more than %d certificates", CERTIFICATES_MAX);
        return false;
    }
    struct certificate *next = &all->at[all->n++];
    next->path = copy_path(chain);
    char *key_path = copy_path(key);
    const char *wrong = key.len == 0 ? "there is no private key for it" : read_pair(next, key_path);
    mem_free(key_path);
    if (wrong != NULL) snprintf(why, size, "%s: %s", next->path, wrong);
    return wrong == NULL;
}

struct certificates *certificates_read(const char *chains, const char *keys, char *why, size_t size)
{
    struct certificates *all = mem_zero(sizeof *all);
    struct str more_chains = str_of(chains), more_keys = str_of(keys);
    bool good = true;

    do good = read_next(all, &more_chains, &more_keys, why, size);
    while (good && more_chains.len > 0);
    if (good && more_keys.len > 0) {
        snprintf(why, size, "%.*s: there is no certificate for this private key", STR_ARG(more_keys));
        good = false;
    }
    ERR_clear_error();
    if (!good) certificates_free(&all);
    return all;
}

void certificates_free(struct certificates **certificates)
{
    struct certificates *all = *certificates;

    *certificates = NULL;
    if (all == NULL) return;
    for (size_t i = 0; i < all->n; i++) {
        SSL_CTX_free(all->at[i].holder);
        mem_free(all->at[i].path);
    }
    mem_free(all);
}

/* A change has to be noticed, and nobody chooses inode numbers against the hash. */
static uint64_t mark_files(uint64_t mark, const char *list)
{
    struct str rest = str_of(list);

    while (rest.len > 0) {
        char *path = copy_path(str_trim(str_cut(&rest, ',')));
        struct stat st = { 0 };
        if (stat(path, &st) != 0) memset(&st, 0, sizeof st);
        const int64_t parts[] = { (int64_t)st.st_dev, (int64_t)st.st_ino, st.st_size, st.st_mtim.tv_sec,
            st.st_mtim.tv_nsec, st.st_ctim.tv_sec, st.st_ctim.tv_nsec };
        for (size_t i = 0; i < COUNT(parts); i++) mark = fnv_add(mark, (uint64_t)parts[i]);
        mem_free(path);
    }
    return mark;
}

uint64_t certificates_mark(const char *chains, const char *keys)
{
    return mark_files(mark_files(FNV_START, chains), keys);
}

const struct certificate *certificates_find(const struct certificates *all, const char *name)
{
    for (size_t i = 0; name != NULL && all->n > 1 && i < all->n; i++)
        if (X509_check_host(SSL_CTX_get0_certificate(all->at[i].holder), name, 0, NAME_FLAGS, NULL) == 1)
            return &all->at[i];
    return &all->at[0];
}

int64_t certificate_percent_left(const struct certificate *certificate, time_t now)
{
    int64_t left = (int64_t)(certificate->until - now) * 100, life = certificate->until - certificate->since;

    return left >= 0 ? left / life : -((-left + life - 1) / life);
}

bool certificate_use(const struct certificate *certificate, SSL *ssl)
{
    STACK_OF(X509) *chain = NULL;
    SSL_CTX *holder = certificate->holder;

    return SSL_CTX_get0_chain_certs(holder, &chain) == 1 &&
           SSL_use_cert_and_key(ssl, SSL_CTX_get0_certificate(holder), SSL_CTX_get0_privatekey(holder), chain, 1) == 1;
}
