/* comeback.h - one client that brings a pid, until it is let in. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/recovery/recovery_inside.h"

#define MISSED_MAX 10000 /* messages; who missed more begins anew */

/* One room of his. */
struct place {
    struct guest_mark mark;
    int64_t seq;         /* what the client has */
    int64_t head;        /* the room's newest */
    int64_t got;         /* fetched up to here */
    struct ahead *ahead; /* from seq + 1 to got */
    size_t n, cap, sent;
};

struct comeback {
    struct recovery *home;
    struct clients *clients;
    struct sio_socket *socket;
    struct rights rights;
    struct arena *arena;
    struct str auth, pid, offset;
    struct str value; /* as it was read */
    unsigned char hash[SHELF_HASH_BYTES];
    char owner[SHELF_OWNER_CHARS + 1];
    struct record record;
    struct place *places; /* in the order of their marks, one for each of the record's */
    size_t n;
    size_t waiting;       /* answers */
    const char *why;      /* not; NULL: nothing speaks against it yet */
    size_t missed, bytes; /* that are held ahead */
};

/* places.c: what the record and the offset say.  NULL, or why that is not enough. */
const char *comeback_place(struct comeback *c);

/* missed.c: fetch what was missed, as much as may be held; then `next`. */
void comeback_fetch(struct comeback *c, void (*next)(struct comeback *c));
void comeback_send_missed(struct comeback *c);
void comeback_drop_missed(struct comeback *c);
