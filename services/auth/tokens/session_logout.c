/* session_logout.c - tokens end before their time: all that a subject has, or those of one session. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/auth.h"

#define LEEWAY_MS 60000 /* between the clocks of ours */

static const char NOTE_END[] = "SELECT trust_note($1, $2, $3, $4)";

/* Tokens say in whole seconds when they were issued.  Who asks for one within this second gets it in the next: token_issue.c. */
static enum err note_end(struct call *call, const char *kind, struct str name)
{
    int64_t ended_at = call->now / 1000 * 1000;
    int64_t until = call->now + auth_settings(call)->token_ttl_max_s * 1000 + LEEWAY_MS;

    return pg_run(call->pg, call->arena, NOTE_END,
        PG_ARGS(pg_text(str_of(kind)), pg_text(name), pg_time(ended_at), pg_time(until)), NULL);
}

enum err subject_logout(struct call *call, const struct subject_ref *ref, struct nothing *rep)
{
    struct str subject;

    (void)rep;
    TRY(subject_spell(call, ref->subject, &subject));
    TRY(note_end(call, "subject", subject));
    TRY(audit_add(call, "subject.logout", subject, STR("{}")));
    trust_changed(call);
    return OK;
}

enum err session_logout(struct call *call, const struct session_ref *ref, struct nothing *rep)
{
    (void)rep;
    TRY(note_end(call, "session", ref->session));
    TRY(audit_add(call, "session.logout", ref->session, STR("{}")));
    trust_changed(call);
    return OK;
}
