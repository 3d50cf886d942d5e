/* friend_acts.c - asking somebody to be a friend, and all that can become of it; blocks. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "services/chat/friends/relation.h"

enum act { ASK, ACCEPT, DECLINE, CANCEL, REMOVE, BLOCK, UNBLOCK, ACT_COUNT };

#define UNASKED  (-1) /* refused: there is no request that one sees */
#define TOO_LATE (-2) /* refused: they are friends by now */
#define DAY_MS   INT64_C(86400000)

/* The bond after an act, by the bond before it; a block changes none of this. */
static const int outcomes[ACT_COUNT][BOND_COUNT] = {
    /*             none          mine          mine_quiet       theirs             theirs_quiet       friends */
    [ASK] = { BOND_MINE, BOND_MINE, BOND_MINE, BOND_FRIENDS, BOND_FRIENDS, BOND_FRIENDS },
    [ACCEPT] = { UNASKED, UNASKED, UNASKED, BOND_FRIENDS, UNASKED, BOND_FRIENDS },
    [DECLINE] = { BOND_NONE, BOND_MINE, BOND_MINE_QUIET, BOND_THEIRS_QUIET, BOND_THEIRS_QUIET, TOO_LATE },
    [CANCEL] = { BOND_NONE, BOND_NONE, BOND_NONE, BOND_THEIRS, BOND_THEIRS_QUIET, TOO_LATE },
    [REMOVE] = { BOND_NONE, BOND_MINE, BOND_MINE_QUIET, BOND_THEIRS, BOND_THEIRS_QUIET, BOND_NONE },
    [BLOCK] = { BOND_NONE, BOND_MINE, BOND_MINE_QUIET, BOND_THEIRS, BOND_THEIRS_QUIET, BOND_FRIENDS },
    [UNBLOCK] = { BOND_NONE, BOND_MINE, BOND_MINE_QUIET, BOND_THEIRS, BOND_THEIRS_QUIET, BOND_FRIENDS },
};

static enum err refuse_act(struct call *call, int outcome)
{
    return outcome == UNASKED ? call_fail(call, ERR_NOT_FOUND, "they have not asked")
                              : call_fail(call, ERR_CONFLICT, "they are a friend by now: remove them instead");
}

static enum bond as_seen_by_who_asks(enum bond bond)
{
    if (bond == BOND_MINE_QUIET) return BOND_MINE;
    return bond == BOND_THEIRS_QUIET ? BOND_THEIRS : bond;
}

/* A request that is repeated after the cool-down is seen again, and is still of when it was made. */
static void set_bond(struct call *call, struct relation *is, enum act act, enum bond to)
{
    if (to == BOND_MINE && call->now < is->mine_quiet_until) to = BOND_MINE_QUIET;
    if (act == DECLINE && is->bond == BOND_THEIRS)
        is->their_quiet_until = call->now + chat_settings(call)->decline_days * DAY_MS;
    if (as_seen_by_who_asks(to) != as_seen_by_who_asks(is->bond)) is->since = to == BOND_NONE ? 0 : call->now;
    is->bond = to;
}

static enum err change_bond(struct call *call, struct str subject, enum act act, struct friend *rep)
{
    struct relation was, is;

    TRY(relation_lock(call, subject, &was));
    if (was.my_block > 0 && (act == ASK || act == ACCEPT))
        return call_fail(call, ERR_CONFLICT, "you block them: unblock them first");
    int outcome = outcomes[act][was.bond];
    if (outcome < 0) return refuse_act(call, outcome);
    is = was;
    set_bond(call, &is, act, (enum bond)outcome);
    if (act == BLOCK && is.my_block == 0) is.my_block = call->now;
    if (act == UNBLOCK) is.my_block = 0;
    return relation_change(call, &was, &is, rep);
}

enum err friend_request(struct call *call, const struct friend_ref *req, struct friend *rep)
{
    TRY(require_somebody(call, req->subject));
    return change_bond(call, req->subject, ASK, rep);
}

enum err friend_accept(struct call *call, const struct friend_ref *req, struct friend *rep)
{
    return change_bond(call, req->subject, ACCEPT, rep);
}

enum err friend_decline(struct call *call, const struct friend_ref *req, struct friend *rep)
{
    return change_bond(call, req->subject, DECLINE, rep);
}

enum err friend_cancel(struct call *call, const struct friend_ref *req, struct friend *rep)
{
    return change_bond(call, req->subject, CANCEL, rep);
}

enum err friend_remove(struct call *call, const struct friend_ref *req, struct friend *rep)
{
    return change_bond(call, req->subject, REMOVE, rep);
}

enum err friend_block(struct call *call, const struct friend_ref *req, struct friend *rep)
{
    return change_bond(call, req->subject, BLOCK, rep);
}

enum err friend_unblock(struct call *call, const struct friend_ref *req, struct friend *rep)
{
    return change_bond(call, req->subject, UNBLOCK, rep);
}
