/* tally.h - the clock, and times sorted into buckets of 3 %. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>
#include <stdio.h>

enum { TALLY_BUCKETS = 1024 };

/* A zeroed one is empty. */
struct tally {
    uint64_t count, most;
    uint64_t buckets[TALLY_BUCKETS];
};

/* Monotonic. */
int64_t tally_now_us(void);

void tally_add(struct tally *tally, int64_t us);

/* The time that `share` (0..1) of them did not exceed, to within 3 %; 0 if there are none. */
uint64_t tally_share(const struct tally *tally, double share);

/* `"name":{"p50":..,"p90":..,"p99":..,"max":..}`, in microseconds. */
void tally_print(const struct tally *tally, const char *name, FILE *out);
