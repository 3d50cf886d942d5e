/*
 * relation.h - what two subjects are to each other, as the caller has it.
 *
 *      none --ask--> mine --they accept, or ask--> friends        mine_quiet, theirs_quiet: who is asked does not see it
 *
 * A block lies over it and changes nothing of it.  So the blocked one is answered, and sees, what would be there without it.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/chat/chat.h"

enum bond { BOND_NONE, BOND_MINE, BOND_MINE_QUIET, BOND_THEIRS, BOND_THEIRS_QUIET, BOND_FRIENDS, BOND_COUNT };

struct relation {
    struct str self, other; /* in the one spelling of subjects */
    enum bond bond;
    int64_t since;             /* of the bond */
    int64_t mine_quiet_until;  /* what oneself asks before then is quiet */
    int64_t their_quiet_until; /* and what the other asks */
    int64_t my_block;          /* since when; 0: none */
    int64_t their_block;
};

/* The relation to `subject`, which nobody else changes until this call's transaction ends. */
enum err relation_lock(struct call *call, struct str subject, struct relation *out) MUST_CHECK;
/* Writes the row, and the quotas of both subjects, as they change from `was` to `is`.  `rep`: what the caller sees. */
enum err relation_change(
    struct call *call, const struct relation *was, const struct relation *is, struct friend *rep) MUST_CHECK;

/* In a step of member_erase.c: some of the relations that an erased user had, and of their rooms of two; how many. */
enum err relations_erase_some(struct call *call, struct str subject, struct erasure *erasure, int64_t *n) MUST_CHECK;
