/* link_password.c - the password that an owner gives to a link: hashed before the rest is done. */
// SPDX-License-Identifier: Apache-2.0
#include "services/share/links/links.h"

/* What a header would lose at its ends, or cannot have, nobody could say. */
static bool is_sayable(struct str text)
{
    if (str_trim(text).len != text.len) return false;
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] < 0x20 || text.at[i] == 0x7f) return false;
    return true;
}

static enum err keep_password(struct call *call, struct str text, struct password *out)
{
    if (!is_sayable(text))
        return call_fail(call, ERR_INVALID_ARGUMENT, "password: has blanks at its ends, or what nobody can type");
    if (password_keep(text, out)) return OK;
    return call_fail(call, ERR_PASSWORD_TOO_LONG, "password: has more than %d bytes", PASSWORD_BYTES_MAX);
}

struct hashed {
    const struct link_password *password;
    struct str *hash;
};

static void on_hashed(void *arg, enum err e, struct str hash, bool fits)
{
    struct hashed *hashed = arg;
    const struct link_password *then = hashed->password;
    struct call *call = rpc_later_call(then->later);

    (void)fits;
    if (e != OK) {
        then->end(then->arg, e);
        return;
    }
    *hashed->hash = arena_str(call->arena, hash);
    rpc_later_steps(then->later, then->steps, then->end, then->arg);
}

void link_password_hash(struct str text, struct str *hash, const struct link_password *then)
{
    struct call *call = rpc_later_call(then->later);
    const struct share *share = call->context;
    struct hashed *hashed = arena_alloc(call->arena, sizeof *hashed);
    struct password password;

    *hash = STR_NONE;
    if (text.at == NULL) {
        rpc_later_steps(then->later, then->steps, then->end, then->arg);
        return;
    }
    enum err e = keep_password(call, text, &password);
    if (e != OK) {
        then->end(then->arg, e);
        return;
    }
    *hashed = (struct hashed){ then, hash };
    hashing_make(share->hashing, call, &password, on_hashed, hashed);
    password_forget(&password);
}
