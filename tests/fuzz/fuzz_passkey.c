/* fuzz_passkey.c - whatever a browser may say of a passkey: client data up to a NUL, an attestation object behind it, which is
 * taken for authenticator data, too. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "services/auth/factors/passkey.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct passkey_expected expected = { "webauthn.create", { "Y2hhbGxlbmdl", 12 }, { "madang.example", 14 },
        { "https://madang.example", 22 } };
    char *exact = malloc(size ? size : 1); /* so that a byte too far is seen */
    const char *why = NULL;
    struct passkey passkey;
    int64_t counter;

    memcpy(exact, data, size);
    const char *nul = memchr(exact, 0, size);
    size_t first = nul != NULL ? (size_t)(nul - exact) : size;
    struct str client_data = { exact, first }, object = { exact + first, size - first };
    if (object.len > 0) object = str_skip(object, 1);

    struct passkey known = { .algorithm = PASSKEY_ES256, .public_len = 64 };
    memset(known.public_key, 1, sizeof known.public_key);
    if (passkey_read_new(&expected, client_data, object, &passkey, &why)) {
        PROMISE(passkey.id.len > 0 && passkey.id.len <= PASSKEY_ID_BYTES_MAX && passkey.public_len > 0);
        known = passkey;
    } else {
        PROMISE(why != NULL);
    }
    expected.type = "webauthn.get";
    PROMISE(!passkey_is_proved(&expected, &known, client_data, object, object, &counter));
    free(exact);
    return 0;
}
