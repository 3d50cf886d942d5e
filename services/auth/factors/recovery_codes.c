/* recovery_codes.c - codes for who has lost the rest. */
// SPDX-License-Identifier: Apache-2.0
#include <openssl/sha.h>

#include "libshared/base/base32.h"
#include "libshared/base/secret.h"
#include "services/auth/factors/factors.h"

#define CODE_BYTES 10

/* Of as many random bits as need no slow hash. */
static struct str hash_of(struct arena *arena, struct id account, const char code[RECOVERY_CHARS])
{
    unsigned char *hash = arena_alloc(arena, SHA256_DIGEST_LENGTH);
    char text[ID_TEXT_BYTES + 1];

    id_format(account, text);
    struct str spelled = arena_printf(arena, "%s:%.*s", text, RECOVERY_CHARS, code);
    SHA256((const unsigned char *)spelled.at, spelled.len, hash);
    return (struct str){ (const char *)hash, SHA256_DIGEST_LENGTH };
}

static const char FORGET[] = "DELETE FROM recovery_code WHERE account_id = $1";
static const char KEEP[] = "INSERT INTO recovery_code (account_id, hash) VALUES ($1, $2)";

enum err recovery_codes_make(struct call *call, struct id account, struct recovery_codes *out)
{
    struct str *codes = arena_alloc(call->arena, RECOVERY_CODES * sizeof *codes);
    char code[RECOVERY_CHARS + 1];
    unsigned char bytes[CODE_BYTES];

    TRY(pg_run(call->pg, call->arena, FORGET, PG_ARGS(pg_id(account)), NULL));
    for (size_t i = 0; i < RECOVERY_CODES; i++) {
        secret_random(bytes, sizeof bytes);
        base32_encode(bytes, sizeof bytes, code);
        codes[i] = arena_printf(call->arena, "%.4s-%.4s-%.4s-%.4s", code, code + 4, code + 8, code + 12);
        TRY(pg_run(
            call->pg, call->arena, KEEP, PG_ARGS(pg_id(account), pg_bytes(hash_of(call->arena, account, code))), NULL));
    }
    out->codes = (struct str_list){ codes, RECOVERY_CODES };
    return OK;
}

/* In either case, with hyphens and blanks wherever somebody puts them. */
static bool read_code(struct str typed, char out[RECOVERY_CHARS])
{
    size_t n = 0;

    for (size_t i = 0; i < typed.len; i++) {
        char c = typed.at[i];
        if (c == '-' || c == ' ') continue;
        if (c >= 'a' && c <= 'z') c = (char)(c - 'a' + 'A');
        if (n == RECOVERY_CHARS) return false;
        out[n++] = c;
    }
    return n == RECOVERY_CHARS;
}

static const char TAKE[] = "DELETE FROM recovery_code WHERE account_id = $1 AND hash = $2";

enum err recovery_codes_take(struct call *call, struct id account, struct str code, bool *fits)
{
    char read[RECOVERY_CHARS];
    int64_t rows = 0;

    if (read_code(code, read))
        TRY(pg_run(call->pg, call->arena, TAKE, PG_ARGS(pg_id(account), pg_bytes(hash_of(call->arena, account, read))),
            &rows));
    *fits = rows == 1;
    return OK;
}

/* --- others in their place --- */

enum err recovery_renew(struct call *call, const struct nothing *req, struct recovery_codes *rep)
{
    struct factor_row app;
    struct id account;

    (void)req;
    TRY(factor_check_recent(call, &account));
    enum err e = factor_of_app(call->pg, call->arena, account, &app);
    if (e == ERR_NOT_FOUND || (e == OK && app.confirmed_at == 0))
        return call_fail(call, ERR_CONFLICT, "there is no authenticator app that they would stand for");
    TRY(e);
    return recovery_codes_make(call, account, rep);
}
