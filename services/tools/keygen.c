/*
 * keygen.c - makes the CURVE certificates by which processes know one another, and the file key.
 *
 *      keygen DIR [NAME...]
 *      keygen --rotate-file-key DIR
 *      keygen --forget-file-keys DIR
 *
 *      DIR/<name>.key_secret    for that process only: mode 0600, owned by whoever runs this
 *      DIR/peers/<name>.key     public, for everyone
 *      DIR/file.key             for processes that keep something encrypted in a database: libshared/base/sealed.h
 *
 * What exists is kept, so it may be run again.  Without names: one for each kind of process, and the file key.  `operator`
 * is the key of build/bin/rpc, which may call every method: keep it from the services' accounts.
 */
// SPDX-License-Identifier: Apache-2.0
#include <czmq.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libshared/base/hex.h"
#include "libshared/base/sealed.h"
#include "libshared/base/secret.h"

#define USAGE          "usage: keygen DIR [NAME...]\n       keygen --rotate-file-key DIR\n       keygen --forget-file-keys DIR\n"
#define FILE_KEY_CHARS (2 * FILE_KEY_BYTES + 1) /* a line */

/* clang-format off */
static const char *const EVERYONE[] = {
#define EDGE(name, place, doc)    #name,
#define SERVICE(name, place, parts, doc) #name,
#include "proto/begin.def"
#include "proto/services.def"
#include "proto/end.def"
    "authctl", "madangctl", "operator"
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
    snprintf(secret, sizeof secret, "%s/%s.key_secret", dir, name);
    snprintf(base, sizeof base, "%s/%s.key", dir, name);
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
    snprintf(peer, sizeof peer, "%s/peers/%s.key", dir, name);
    if (!is_name(name)) exit_with(name, "a name has 1 to 31 of a-z, 0-9 and -");

    zcert_t *cert = keep_or_make(dir, name);
    if (access(peer, F_OK) != 0 && (zcert_save_public(cert, peer) != 0 || chmod(peer, 0644) != 0))
        exit_with(peer, strerror(errno));
    zcert_destroy(&cert);
}

/* --- the file key --- */

struct file_key_file {
    char path[600], text[FILE_KEYS_MAX * FILE_KEY_CHARS + 1];
    size_t len;
};

static void name_file_key(struct file_key_file *file, const char *dir)
{
    snprintf(file->path, sizeof file->path, "%s/file.key", dir);
    file->len = 0;
}

static void read_file_key(struct file_key_file *file, const char *dir)
{
    char why[200];

    name_file_key(file, dir);
    if (!file_keys_load(file->path, why, sizeof why)) exit_with(file->path, why);
    FILE *from = fopen(file->path, "re");
    if (from == NULL) exit_with(file->path, strerror(errno));
    file->len = fread(file->text, 1, sizeof file->text - 1, from);
    fclose(from);
}

/* All of it or nothing, and on disk: what it seals is lost with it. */
static void write_file_key(const struct file_key_file *file)
{
    char next[620];

    snprintf(next, sizeof next, "%s.new", file->path);
    unlink(next);
    int fd = open(next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, file->text, file->len) != (ssize_t)file->len || fsync(fd) != 0 || close(fd) != 0 ||
        rename(next, file->path) != 0)
        exit_with(next, strerror(errno));
}

static void put_new_key(struct file_key_file *file)
{
    unsigned char bytes[FILE_KEY_BYTES];
    char line[FILE_KEY_CHARS];

    if (file->len + FILE_KEY_CHARS >= sizeof file->text)
        exit_with(file->path, "has as many keys as there may be; forget the former ones");
    secret_random(bytes, sizeof bytes);
    hex_format(bytes, sizeof bytes, line);
    line[FILE_KEY_CHARS - 1] = '\n';
    memmove(file->text + FILE_KEY_CHARS, file->text, file->len);
    memcpy(file->text, line, FILE_KEY_CHARS);
    file->len += FILE_KEY_CHARS;
}

static void make_file_key(const char *dir)
{
    struct file_key_file file = { .len = 0 };

    name_file_key(&file, dir);
    if (access(file.path, F_OK) == 0) return;
    put_new_key(&file);
    write_file_key(&file);
}

static int rotate_file_key(const char *dir)
{
    struct file_key_file file = { .len = 0 };

    read_file_key(&file, dir);
    put_new_key(&file);
    write_file_key(&file);
    printf("%s has a new key in front.  Restart the processes that read it, which seal all again; authctl file-key "
           "show says when\n"
           "nothing needs the former ones any more, and keygen --forget-file-keys %s takes them away.\n",
        file.path, dir);
    return 0;
}

static int forget_file_keys(const char *dir)
{
    struct file_key_file file = { .len = 0 };

    read_file_key(&file, dir);
    file.len = strcspn(file.text, "\n") + 1;
    write_file_key(&file);
    return 0;
}

int main(int argc, char **argv)
{
    char peers[600];

    if (argc == 3 && strlen(argv[2]) <= 400) {
        if (strcmp(argv[1], "--rotate-file-key") == 0) return rotate_file_key(argv[2]);
        if (strcmp(argv[1], "--forget-file-keys") == 0) return forget_file_keys(argv[2]);
    }
    if (argc == 2 && strcmp(argv[1], "--help") == 0) {
        printf("keygen - makes the CURVE key pairs and the file key that are missing in a directory\n\n" USAGE
               "Without names: those of every process. Public halves go to DIR/peers. The file key is DIR/file.key: a "
               "new one is put in\n"
               "front of those that still open what they have sealed, and these are forgotten when there is nothing "
               "left of it.\n");
        return 0;
    }
    if (argc < 2 || argv[1][0] == '-' || strlen(argv[1]) > 400) {
        fprintf(stderr, USAGE);
        return 2;
    }
    umask(022);
    snprintf(peers, sizeof peers, "%s/peers", argv[1]);
    make_dir(argv[1], 0755);
    make_dir(peers, 0755);
    if (argc == 2) {
        for (size_t i = 0; i < sizeof EVERYONE / sizeof *EVERYONE; i++) make_key(argv[1], EVERYONE[i]);
        make_file_key(argv[1]);
    }
    for (int i = 2; i < argc; i++) make_key(argv[1], argv[i]);
    return 0;
}
