/* rates_private.h - what the files of rates share: rates.c decides, rates_shared.c exchanges, both with rates_buckets.c. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/table.h"
#include "services/gateway/rates/rates.h"

/* So much may be taken here before the other gateways are told: a payer far below its rate costs Redis next to nothing, and a
 * gateway lets through that much more than its share of what is left. */
#define RATES_UNSENT_MAX_US(rate) (rate_rows[rate].window_us / 20)

struct rate_row {
    const char *name;
    int64_t count, window_us;
    enum rate_by by;
    enum rate_unit unit;
};
extern const struct rate_row rate_rows[RATE_COUNT];

struct bucket {
    int64_t here_us;   /* when it will have run empty of what was taken here */
    int64_t all_us;    /* the same of what was taken at all gateways, as far as is known here */
    int64_t unsent_us; /* taken, less what was given back, and not shared yet */
    bool is_waiting;   /* to be shared, in the list */
    unsigned refs;     /* the table's, and that of an exchange under way */
    struct bucket *prev, *next;
    UT_hash_handle hh;
    size_t key_len;
    char key[]; /* the rate, then who */
};

struct metric;
struct rates_shared;
struct rates {
    struct bucket *table;
    struct bucket *waiting;      /* to take part in an exchange */
    int64_t percent;             /* of the limits; 0: none holds */
    const struct limits *limits; /* others than the rows; NULL: none */
    struct metric *refused[RATE_COUNT];
    void (*watch)(void *arg, enum rate rate, struct str who); /* NULL: nobody does */
    void *watch_arg;
    struct rates_shared *shared; /* NULL: this gateway counts for itself */
};

/* rates_buckets.c */
struct bucket *bucket_find(const struct rates *rates, enum rate rate, struct str who); /* NULL: none */
/* The same, made if need be; at the bound the longest known is forgotten for it. */
struct bucket *bucket_get(struct rates *rates, enum rate rate, struct str who, int64_t now_us);
void bucket_drop(struct bucket *bucket);
void buckets_forget(struct rates *rates); /* all */
/* It takes part in an exchange soon; it does so now. */
void bucket_wait(struct rates *rates, struct bucket *bucket);
void bucket_wait_end(struct rates *rates, struct bucket *bucket);

/* rates_shared.c */
void rates_shared_destroy(struct rates_shared **shared);
