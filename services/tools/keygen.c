/*
 * keygen.c - makes the CURVE certificates by which processes know one another.
 *
 *      keygen DIR [NAME...]
 *
 *      DIR/<name>.key_secret    for that process only: mode 0600, owned by whoever runs this
 *      DIR/peers/<name>.key     public, for everyone
 *
 * What exists is kept, so it may be run again.  Without names: one for each kind of process.  `operator` is the key of
 * build/bin/rpc, which may call every method: keep it from the services' accounts.
 */
// SPDX-License-Identifier: Apache-2.0
#include <czmq.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define USAGE "usage: keygen DIR [NAME...]\n"

/* clang-format off */
static const char *const EVERYONE[] = {
#define EDGE(name, place, doc)    #name,
#define SERVICE(name, place, doc) #name,
#include "proto/begin.def"
#include "proto/services.def"
#include "proto/end.def"
    "authctl", "operator"
};
/* clang-format on */

static void exit_with(const char *path, const char *why)
{
    fprintf(stderr, "keygen: %s: %s\n", path, why);
    exit(1);
}

static void make_dir(const char *path, mode_t mode)
{
    if (mkdir(path, mode) != 0 && errno != EEXIST) exit_with(path, strerror(errno));
}

static bool is_name(const char *name)
{
    size_t len = strlen(name);
    return len >= 1 && len <= 31 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* The certificate that exists, its public half perhaps lost; or a new one, its secret half on disk. */
static zcert_t *keep_or_make(const char *dir, const char *name)
{
    char secret[600], base[600];
    snprintf(secret, sizeof(secret), "%s/%s.key_secret", dir, name);
    snprintf(base, sizeof(base), "%s/%s.key", dir, name);
    if (access(secret, F_OK) == 0) {
        zcert_t *kept = zcert_load(base); /* it adds the _secret itself */
        if (kept == NULL) exit_with(secret, "is there, and is no CURVE certificate");
        return kept;
    }
    zcert_t *made = zcert_new();
    zcert_set_meta(made, "name", "%s", name);
    if (zcert_save_secret(made, secret) != 0 || chmod(secret, 0600) != 0) exit_with(secret, strerror(errno));
    return made;
}

static void make_key(const char *dir, const char *name)
{
    char peer[600];
    snprintf(peer, sizeof(peer), "%s/peers/%s.key", dir, name);
    if (!is_name(name)) exit_with(name, "a name has 1 to 31 of a-z, 0-9 and -");

    zcert_t *cert = keep_or_make(dir, name);
    if (access(peer, F_OK) != 0 && (zcert_save_public(cert, peer) != 0 || chmod(peer, 0644) != 0))
        exit_with(peer, strerror(errno));
    zcert_destroy(&cert);
}

int main(int argc, char **argv)
{
    char peers[600];
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        printf("keygen - makes the CURVE key pairs that are missing in a directory\n\n" USAGE
               "Without names: those of every process. Public halves go to DIR/peers.\n");
        return 0;
    }
    if (argc < 2 || argv[1][0] == '-' || strlen(argv[1]) > 400) {
        fprintf(stderr, USAGE);
        return 2;
    }
    umask(022);
    snprintf(peers, sizeof(peers), "%s/peers", argv[1]);
    make_dir(argv[1], 0755);
    make_dir(peers, 0755);
    if (argc == 2)
        for (size_t i = 0; i < sizeof(EVERYONE) / sizeof(*EVERYONE); i++) make_key(argv[1], EVERYONE[i]);
    for (int i = 2; i < argc; i++) make_key(argv[1], argv[i]);
    return 0;
}
