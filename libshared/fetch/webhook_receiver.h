/* webhook_receiver.h - a server of the operator's own that messages are posted to, as two settings have it: a URL, and a file of secrets. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/fetch/webhook.h"

struct webhook_receiver {
    const char *url;
    struct webhook_secret secrets[WEBHOOK_SECRETS_MAX];
    size_t n;
};

/* At the start.  NULL: the URL is empty, and nothing is posted.  Exits if the settings make no sense; `variable` is the name of the URL's, and with
 * _SECRET behind it that of the other. */
struct webhook_receiver *webhook_receiver_create(const char *variable, const char *url, const char *secret_file);
void webhook_receiver_destroy(struct webhook_receiver **receiver);
