/* fuzz_audit_chain.c - a copy of the audit from who knows where: read within its bytes, and what is taken follows. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "services/auth/audit/audit_chain.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *exact = malloc(size ? size : 1); /* so that a byte too far is seen */
    struct audit_cursor cursor;

    memcpy(exact, data, size);
    audit_chain_begin(&cursor);
    for (struct str rest = { exact, size }; rest.len > 0;) {
        int64_t before = cursor.n;
        if (!audit_chain_take(&cursor, str_cut(&rest, '\n'))) {
            PROMISE(cursor.broken != 0 && cursor.n == before);
            break;
        }
        PROMISE(
            cursor.broken == 0 && cursor.n > 0 && (before == 0 || cursor.n == before + 1) && strlen(cursor.hash) == 64);
    }
    free(exact);
    return 0;
}
