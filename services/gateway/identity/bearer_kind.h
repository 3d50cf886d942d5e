/* bearer_kind.h - how a token came to be. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

enum bearer_kind {
    BEARER_USER,  /* no API key was in it */
    BEARER_NAMED, /* a key, for a name that its back end gave */
    BEARER_KEY,   /* a key, for itself */
    BEARER_ACTING /* a key, for a registered user: it never opens what only that person may */
};
