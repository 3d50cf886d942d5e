/* fuzz_policy_table.c - a table of expectations: read within its bytes, and each case is within the bounds of its record. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "services/auth/policies/policy_table.h"
#include "services/auth/policies/policy_trial.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *exact = malloc(size ? size : 1); /* so that a byte too far is seen */
    struct arena *arena = arena_create("fuzz", 64u << 20);
    struct policy_trial trial = { .cases = { 0 } };
    struct policy_outcome outcome;
    struct wire_error why = { 0 };
    const int64_t *lines;

    memcpy(exact, data, size);
    if (policy_table_read(arena, (struct str){ exact, size }, &trial, &lines, &why) == OK) {
        struct buf bytes = BUF(16u << 20);
        PROMISE(wire_encode(policy_trial_shape(), &trial, &bytes) == OK);
        for (size_t i = 1; i < trial.cases.len; i++) PROMISE(lines[i] > lines[i - 1]);
        enum err e = policy_try(arena, &trial, &(struct policy_list){ 0 }, &outcome, &why);
        PROMISE(e == (trial.cases.len > 0 ? ERR_INVALID_ARGUMENT : OK)); /* there is no policy */
        buf_free(&bytes);
    } else {
        PROMISE(why.text[0] != '\0');
    }
    arena_destroy(&arena);
    free(exact);
    return 0;
}
