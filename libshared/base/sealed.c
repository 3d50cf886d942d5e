/* sealed.c - AES-256-GCM with the file key, a nonce by chance and the purpose beside it. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "libshared/base/hex.h"
#include "libshared/base/secret.h"

#define VERSION     1
#define NONCE_BYTES 12
#define TAG_BYTES   16
#define HEAD_BYTES  (1 + FILE_KEY_ID_BYTES)
#define TEXT_MAX    (FILE_KEYS_MAX * 128)

struct sealed_key {
    unsigned char bytes[FILE_KEY_BYTES], id[FILE_KEY_ID_BYTES];
};

static struct sealed_key keys[FILE_KEYS_MAX];
static size_t n_keys;

/* --- the file --- */

static void name_key(struct sealed_key *key)
{
    unsigned char hash[32];

    if (EVP_Digest(key->bytes, sizeof key->bytes, hash, NULL, EVP_sha256(), NULL) != 1) abort();
    memcpy(key->id, hash, sizeof key->id);
}

static bool take_line(struct str line)
{
    struct sealed_key *key = &keys[n_keys];

    if (n_keys == FILE_KEYS_MAX || line.len != 2 * sizeof key->bytes || !hex_parse(line, key->bytes)) return false;
    name_key(key);
    n_keys++;
    return true;
}

bool file_keys_take(struct str text, char *why, size_t size)
{
    n_keys = 0;
    while (text.len > 0) {
        struct str line = str_trim(str_cut(&text, '\n'));
        if (line.len == 0 || take_line(line)) continue;
        snprintf(why, size, "wants 1 to %d lines of %d hex digits", FILE_KEYS_MAX, 2 * FILE_KEY_BYTES);
        n_keys = 0;
        return false;
    }
    if (n_keys == 0) snprintf(why, size, "holds no key");
    return n_keys > 0;
}

/* false: errno says why. */
static bool read_closed(int fd, char *text, size_t size, size_t *len)
{
    struct stat st;

    if (fstat(fd, &st) != 0) return false;
    if (st.st_mode & S_IRWXO) {
        errno = EPERM;
        return false;
    }
    *len = 0;
    while (*len < size) {
        ssize_t n = read(fd, text + *len, size - *len);
        if (n < 0) return false;
        if (n == 0) return true;
        *len += (size_t)n;
    }
    errno = EFBIG;
    return false;
}

bool file_keys_load(const char *path, char *why, size_t size)
{
    char text[TEXT_MAX];
    size_t len = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool good = fd >= 0 && read_closed(fd, text, sizeof text, &len);

    if (!good) snprintf(why, size, "%s", errno == EPERM ? "others than its owner may read it" : strerror(errno));
    if (fd >= 0) close(fd);
    if (good) good = file_keys_take((struct str){ text, len }, why, size);
    secret_wipe(text, sizeof text);
    return good;
}

size_t file_keys_count(void)
{
    return n_keys;
}

const unsigned char *file_key_id(size_t i)
{
    return keys[i].id;
}

/* --- sealing --- */

static const struct sealed_key *find_key(const unsigned char *id)
{
    for (size_t i = 0; i < n_keys; i++)
        if (memcmp(keys[i].id, id, FILE_KEY_ID_BYTES) == 0) return &keys[i];
    return NULL;
}

struct str seal(struct arena *arena, struct str purpose, struct str plain)
{
    unsigned char *out = arena_alloc(arena, plain.len + SEALED_BYTES_MORE), *nonce = out + HEAD_BYTES;
    unsigned char *body = nonce + NONCE_BYTES;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    int len;

    if (n_keys == 0) abort();
    out[0] = VERSION;
    memcpy(out + 1, keys[0].id, FILE_KEY_ID_BYTES);
    secret_random(nonce, NONCE_BYTES);
    bool good = cipher != NULL && EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, keys[0].bytes, nonce) == 1 &&
                EVP_EncryptUpdate(cipher, NULL, &len, (const unsigned char *)purpose.at, (int)purpose.len) == 1 &&
                EVP_EncryptUpdate(cipher, body, &len, (const unsigned char *)plain.at, (int)plain.len) == 1 &&
                EVP_EncryptFinal_ex(cipher, body + len, &len) == 1 &&
                EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, body + plain.len) == 1;
    EVP_CIPHER_CTX_free(cipher);
    if (!good) abort();
    return (struct str){ (char *)out, plain.len + SEALED_BYTES_MORE };
}

const unsigned char *sealed_key_id(struct str sealed)
{
    return sealed.len >= SEALED_BYTES_MORE && sealed.at[0] == VERSION ? (const unsigned char *)sealed.at + 1 : NULL;
}

bool unseal(struct arena *arena, struct str purpose, struct str sealed, struct str *plain)
{
    const unsigned char *id = sealed_key_id(sealed);
    const struct sealed_key *key = id == NULL ? NULL : find_key(id);
    unsigned char tag[TAG_BYTES];
    int len;

    if (key == NULL) return false;
    const unsigned char *nonce = id + FILE_KEY_ID_BYTES, *body = nonce + NONCE_BYTES;
    size_t body_len = sealed.len - SEALED_BYTES_MORE;
    unsigned char *out = arena_alloc(arena, body_len + 1);
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();

    memcpy(tag, body + body_len, sizeof tag);
    bool good = cipher != NULL && EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, key->bytes, nonce) == 1 &&
                EVP_DecryptUpdate(cipher, NULL, &len, (const unsigned char *)purpose.at, (int)purpose.len) == 1 &&
                EVP_DecryptUpdate(cipher, out, &len, body, (int)body_len) == 1 &&
                EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) == 1 &&
                EVP_DecryptFinal_ex(cipher, out + len, &len) == 1;
    EVP_CIPHER_CTX_free(cipher);
    if (!good) {
        secret_wipe(out, body_len);
        return false;
    }
    out[body_len] = '\0';
    *plain = (struct str){ (char *)out, body_len };
    return true;
}
