/* rate_cost.c - nanoseconds to ask a gateway's rates: one of them, and all that a message takes from. */
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "libshared/base/clock.h"
#include "services/gateway/rates/limits.h"
#include "services/gateway/rates/rates.h"

#define SENDERS   1000
#define QUESTIONS 2000000

static char names[SENDERS][24];
static unsigned refused;

static void report(const char *what, int64_t began_us)
{
    printf("%-44s %7.1f ns  (%u refused)\n", what, (double)(clock_mono_us() - began_us) * 1000 / QUESTIONS, refused);
    refused = 0;
}

static void take_one(void)
{
    struct rates *rates = rates_create(100);
    int64_t began = clock_mono_us();

    for (int i = 0; i < QUESTIONS; i++)
        refused += rates_take(rates, RATE_write, str_of(names[i % SENDERS]), began + i * 40) > 0;
    report("rates_take, 1,000 senders:", began);
    rates_destroy(&rates);
}

static void charge_messages(const struct limits *limits, const char *what)
{
    struct rates *rates = rates_create(100);
    int64_t began = clock_mono_us();
    struct rate_state state;

    rates_change(rates, limits);
    for (int i = 0; i < QUESTIONS; i++) {
        struct rate_payer payer = {
            .who = { [BY_SUBJECT] = str_of(names[i % SENDERS]), [BY_KEY] = STR("ggySzVoKkyc8") },
            .amount = { [UNIT_CALLS] = 1, [UNIT_BYTES] = 100 },
        };
        refused += !rates_charge(rates, CLASS_message, &payer, began + i * 140, &state);
    }
    report(what, began);
    rates_destroy(&rates);
}

int main(void)
{
    const struct limit_state limit = { .name = STR("write"), .subject = STR("nobody"), .limit = 5, .is_set = true };

    for (int i = 0; i < SENDERS; i++) snprintf(names[i], sizeof names[i], "subject-%d", i);
    take_one();
    charge_messages(NULL, "rates_charge, a message:");
    struct limits *limits = limits_create();
    limits_set(limits, &limit);
    charge_messages(limits, "rates_charge, a message, and a changed limit:");
    limits_destroy(&limits);
    return 0;
}
