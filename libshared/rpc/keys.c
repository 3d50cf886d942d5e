/* keys.c - CURVE certificates on disk, and the authenticator that reads them. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/rpc/keys.h"

#include <czmq.h>
#include <dirent.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "libshared/base/arena.h"

static zactor_t *authenticator;

static void exit_bad_key(const char *path, const char *why)
{
    fprintf(stderr, "%s: %s\n", path, why);
    exit(2);
}

static void check_is_private(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0) exit_bad_key(path, strerror(errno));
    if (st.st_mode & (S_IRWXG | S_IRWXO)) exit_bad_key(path, "a secret key that others may read; chmod 600 it");
}

/* Every connection of every pipe wants them, and a loop reads no files: each is read once.  `secret` is the file
 * of its secret half, or NULL.  NULL: there is none. */
static zcert_t *load_once(const char *path, const char *secret)
{
    static struct kept_cert {
        struct kept_cert *next;
        zcert_t *cert;
        char path[600];
    } * all;
    struct kept_cert *kept = all;

    while (kept != NULL && strcmp(kept->path, path) != 0) kept = kept->next;
    if (kept == NULL) {
        if (secret != NULL) check_is_private(secret);
        zcert_t *cert = zcert_load(path);
        if (cert == NULL) return NULL;
        kept = mem_zero(sizeof *kept);
        snprintf(kept->path, sizeof kept->path, "%s", path);
        kept->cert = cert;
        kept->next = all;
        all = kept;
    }
    return zcert_dup(kept->cert);
}

struct _zcert_t *keys_load_self(const char *key_dir, const char *self)
{
    char secret[600], base[600];
    snprintf(secret, sizeof secret, "%s/%s.key_secret", key_dir, self);
    snprintf(base, sizeof base, "%s/%s.key", key_dir, self);
    zcert_t *cert = load_once(base, secret); /* it adds the _secret itself */
    if (cert == NULL) exit_bad_key(secret, "not a CURVE certificate");
    return cert;
}

struct _zcert_t *keys_load_peer(const char *key_dir, const char *peer)
{
    char path[600];
    snprintf(path, sizeof path, "%s/peers/%s.key", key_dir, peer);
    zcert_t *cert = load_once(path, NULL);
    if (cert == NULL) exit_bad_key(path, "no such CURVE certificate");
    return cert;
}

void keys_derive(const char *key_dir, const char *self, const char *purpose, unsigned char out[KEYS_DERIVED_BYTES])
{
    zcert_t *cert = keys_load_self(key_dir, self);
    const void *made =
        HMAC(EVP_sha256(), zcert_secret_key(cert), 32, (const unsigned char *)purpose, strlen(purpose), out, NULL);

    if (made == NULL) exit_bad_key(key_dir, "no HMAC");
    zcert_destroy(&cert);
}

static bool is_certificate(const char *file)
{
    size_t len = strlen(file);
    return file[0] != '.' && len > 4 && strcmp(file + len - 4, ".key") == 0;
}

/* The name is taken from the certificate's metadata.  One that has none would let its owner send a name of its own
 * choice in the handshake, so each must have it. */
static void check_name(const char *key_dir, const char *file)
{
    char peer[256];
    snprintf(peer, sizeof peer, "%.*s", (int)(strlen(file) - 4), file);
    zcert_t *cert = keys_load_peer(key_dir, peer);
    const char *name = zcert_meta(cert, "name");
    if (name == NULL || strcmp(name, peer) != 0) exit_bad_key(file, "its metadata must say name = <the file's name>");
    zcert_destroy(&cert);
}

static void check_names(const char *key_dir, const char *peers)
{
    DIR *dir = opendir(peers);
    if (dir == NULL) exit_bad_key(peers, strerror(errno));
    for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
        if (is_certificate(entry->d_name)) check_name(key_dir, entry->d_name);
    closedir(dir);
}

static void stop_auth(void)
{
    zactor_destroy(&authenticator);
}

void keys_start_auth(const char *key_dir)
{
    if (authenticator != NULL) return;
    char peers[600];
    snprintf(peers, sizeof peers, "%s/peers", key_dir);
    check_names(key_dir, peers);

    zsys_handler_set(NULL); /* signals are service_main's */
    authenticator = zactor_new(zauth, NULL);
    if (authenticator == NULL) exit_bad_key(peers, "cannot start the authenticator");
    zstr_sendx(authenticator, "CURVE", peers, NULL);
    zsock_wait(authenticator);
    atexit(stop_auth); /* before czmq's own, which would complain of it */
}
