/* conversation_rights.c - who may do what with a conversation: the rows of rights.def. */
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/share/conversations/conversations_private.h"

enum conversation_role { anybody, reader, editor, owner, ROLES };

static const char *const role_names[ROLES] = { "anybody", "reader", "editor", "owner" };

/* clang-format off */
static const struct {
    const char *name;
    bool may[ROLES];
} rights[] = {
#define YES true
#define NO  false
#define CAN(name, anybody, reader, editor, owner, doc) { #name, { anybody, reader, editor, owner } },
#include "services/share/conversations/rights.def"
#undef CAN
#undef YES
#undef NO
};
/* clang-format on */

bool conversation_role_may(struct str role, enum conversation_right right)
{
    for (size_t i = 0; i < ROLES; i++)
        if (str_is(role, role_names[i])) return rights[right].may[i];
    return false;
}

struct str_list conversation_can(struct arena *arena, struct str role)
{
    struct str_list can = { arena_alloc(arena, COUNT(rights) * sizeof *can.at), 0 };

    for (size_t i = 0; i < COUNT(rights); i++)
        if (conversation_role_may(role, (enum conversation_right)i)) can.at[can.len++] = str_of(rights[i].name);
    return can;
}

void conversation_describe(struct call *call, struct str role, struct conversation *rep)
{
    rep->can = conversation_can(call->arena, role);
    if (!str_is(role, role_names[anybody])) rep->role = role;
}

/* --- of one --- */

static const struct wire_field state_fields[] = { ROW_FIELD(struct conversation_state, role, TEXT),
    ROW_FIELD(struct conversation_state, owner, TEXT), ROW_FIELD(struct conversation_state, etag, TEXT),
    ROW_FIELD(struct conversation_state, bytes, INT), ROW_FIELD(struct conversation_state, in_trash, BOOL),
    ROW_FIELD(struct conversation_state, public, BOOL), ROW_END };
static const struct wire_shape state_shape = { "state", "", sizeof(struct conversation_state), state_fields };

static const char STATE[] = "SELECT " CONVERSATION_ROLE " AS role, owner, " CONVERSATION_ETAG
                            ", bytes, deleted_at IS NOT NULL AS in_trash, public FROM conversation c WHERE id = $1";

static enum err find_state(
    struct call *call, struct id conversation, enum conversation_right right, struct conversation_state *out)
{
    *out = (struct conversation_state){ .bytes = 0 };
    enum err e =
        pg_one(call->pg, call->arena, &state_shape, out, STATE, PG_ARGS(pg_id(conversation), pg_text(call->who->sub)));
    if (e != OK && e != ERR_NOT_FOUND) return e;
    if (conversation_role_may(out->role, right)) return OK;
    if (out->role.len == 0 || str_is(out->role, role_names[anybody]))
        return call_fail(call, ERR_NOT_FOUND, "there is no such conversation of yours");
    return call_fail(call, ERR_FORBIDDEN, "%s: not as its %.*s", rights[right].name, STR_ARG(out->role));
}

enum err conversation_require(struct call *call, struct id conversation, enum conversation_right right)
{
    struct conversation_state state;

    return find_state(call, conversation, right, &state);
}

/* RFC 9110: any, or a list of which one has to be the same. */
static bool fits_etag(struct str if_match, struct str etag)
{
    if (if_match.len == 0 || str_is(str_trim(if_match), "*")) return true;
    while (if_match.len > 0)
        if (str_eq(str_trim(str_cut(&if_match, ',')), etag)) return true;
    return false;
}

static const char LOCK[] = "SELECT FROM conversation WHERE id = $1 FOR UPDATE";

/* What was found before the lock may be another behind it: somebody is removed under that lock, too. */
enum err conversation_lock(struct call *call, struct id conversation, enum conversation_right right,
    struct str if_match, struct conversation_state *out)
{
    TRY(find_state(call, conversation, right, out));
    TRY(pg_run(call->pg, call->arena, LOCK, PG_ARGS(pg_id(conversation)), NULL));
    TRY(find_state(call, conversation, right, out));
    if (fits_etag(if_match, out->etag)) return OK;
    return call_fail(call, ERR_PRECONDITION, "if_match: its etag is %.*s by now", STR_ARG(out->etag));
}
