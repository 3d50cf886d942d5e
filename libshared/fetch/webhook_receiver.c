/* webhook_receiver.c - see webhook_receiver.h. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/fetch/webhook_receiver.h"

#include <stdio.h>
#include <stdlib.h>

#include "libshared/base/secret.h"
#include "libshared/base/secret_file.h"
#include "libshared/base/url.h"

static _Noreturn void refuse_settings(const char *variable, const char *what, const char *with)
{
    fprintf(stderr, "madang: %s%s%s\n", variable, what, with);
    exit(2);
}

static void read_secrets(struct webhook_receiver *receiver, const char *variable, const char *path)
{
    char line[SECRET_FILE_MAX];

    for (int i = 0; i < WEBHOOK_SECRETS_MAX; i++) {
        if (!secret_file_line(path, i, line) && i > 0) break;
        if (!webhook_secret_read(str_of(line), &receiver->secrets[receiver->n++]))
            refuse_settings(variable,
                "_SECRET: wants a file with whsec_ and the base64 of 24 to 64 bytes in its first"
                " line, and perhaps another in its second",
                "");
    }
    secret_wipe(line, sizeof line);
}

struct webhook_receiver *webhook_receiver_create(const char *variable, const char *url, const char *secret_file)
{
    char origin[URL_ORIGIN_MAX];

    if (url[0] == '\0') return NULL;
    if (!url_origin(str_of(url), origin)) refuse_settings(variable, ": wants https://host/path", "");
    if (secret_file[0] == '\0') refuse_settings(variable, "_SECRET: is wanted with ", variable);
    struct webhook_receiver *receiver = mem_zero(sizeof *receiver);
    receiver->url = url;
    read_secrets(receiver, variable, secret_file);
    return receiver;
}

void webhook_receiver_destroy(struct webhook_receiver **at)
{
    if (*at == NULL) return;
    secret_wipe((*at)->secrets, sizeof(*at)->secrets);
    mem_free(*at);
    *at = NULL;
}
