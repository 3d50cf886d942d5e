/* entries.c - who may do what to whose messages: the rows of proto/entries.def, and what a message can take. */
// SPDX-License-Identifier: Apache-2.0
#include "services/store/entries/entries.h"

#define EDITS_MAX  100 /* of a message: a deletion takes them all away in one transaction */
#define EMOJIS_MAX 50  /* different ones at a message: a page shows them all */

/* clang-format off */
struct str entry_name(enum entry_kind kind)
{
    static const char *const names[] = {
#define ENTRY(kind, name, about, heard, unread, effect, doc) name,
#include "proto/begin.def"
#include "proto/entries.def"
#include "proto/end.def"
    };

    return kind == ENTRY_message ? STR_NONE : str_of(names[kind]);
}

enum entry_owner { OWN, ANYBODY };

struct right {
    enum entry_kind kind;
    enum room_right may;
    enum entry_owner whose;
    int64_t within_s;
};

bool entry_is_allowed(
    const struct settings_store *set, enum entry_kind kind, enum role role, bool is_own, int64_t age_ms)
{
    const int64_t forever = 0, edit_within_s = set->edit_within_s, delete_within_s = set->delete_within_s;
    const struct right rights[] = {
#define RIGHT(kind, may, whose, within, doc) { ENTRY_##kind, MAY_##may, whose, within },
#include "proto/begin.def"
#include "proto/entries.def"
#include "proto/end.def"
    };

    for (size_t i = 0; i < COUNT(rights); i++) {
        const struct right *right = &rights[i];
        if (right->kind == kind && room_role_may(role, right->may) && (is_own || right->whose == ANYBODY) &&
            (right->within_s == 0 || age_ms <= right->within_s * 1000))
            return true;
    }
    return false;
}

int64_t entry_words_kept_s(const struct settings_store *set, enum entry_kind kind)
{
#define REMAINS(of, texts, read, kept, doc) if (kind == ENTRY_##of) return set->kept;
#include "proto/begin.def"
#include "proto/entries.def"
#include "proto/end.def"
    return 0;
}
/* clang-format on */

static enum err check_target(struct call *call, enum entry_kind kind, const struct target *target)
{
    if (target->is_deleted) return call_fail(call, ERR_NOT_FOUND, "the message was deleted");
    if (kind == ENTRY_message && target->is_reply)
        return call_fail(call, ERR_CONFLICT, "thread: is a reply itself: answer to the message that it is to");
    if (kind == ENTRY_edit && target->edits >= EDITS_MAX)
        return call_fail(call, ERR_CONFLICT, "the message was edited %d times, and is not once more", EDITS_MAX);
    if (kind == ENTRY_reaction_add && target->emojis >= EMOJIS_MAX)
        return call_fail(call, ERR_CONFLICT, "emoji: the message has %d different ones, and gets no other", EMOJIS_MAX);
    if (kind == ENTRY_edit && target->is_withheld)
        return call_fail(call, ERR_CONFLICT, "the message is withheld by who moderates the room");
    if (kind == ENTRY_release && !target->is_withheld)
        return call_fail(call, ERR_NOT_FOUND, "the message is not withheld");
    if ((kind == ENTRY_reaction_remove || kind == ENTRY_pin_remove) && !target->is_so)
        return call_fail(call, ERR_NOT_FOUND, "there is none");
    return OK;
}

/* A repeat was allowed when it came first: it is answered, however late it comes. */
enum err entry_judge(struct call *call, const struct settings_store *set, enum entry_kind kind, struct log_access may,
    const struct target *target)
{
    bool is_own = str_eq(target->sender, call->who->sub);

    if (target->is_repeat) return OK;
    if (!history_reads(may.reads_after, target->at)) return call_fail(call, ERR_NOT_FOUND, "there is no such message");
    if (!entry_is_allowed(set, kind, may.role, is_own, call->now - target->at))
        return call_fail(call, ERR_FORBIDDEN, "to this message, or not any more");
    return target->done_seq > 0 ? OK : check_target(call, kind, target);
}
