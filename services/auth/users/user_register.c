/* user_register.c - somebody becomes a user. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/plain_text.h"
#include "services/auth/abuse/attempts.h"
#include "services/auth/mail/mail.h"
#include "services/auth/single_use/single_use.h"
#include "services/auth/users/registration.h"

struct registering {
    struct rpc_later *later;
    struct call *call;
    const struct settings_auth *settings;
    const struct user_draft *draft;
    struct email email;
    struct nickname nickname;
    struct password password;
    struct str hash;
    struct user_made made;
};

static void answer_registration(void *arg, enum err e)
{
    struct registering *reg = arg;

    password_forget(&reg->password);
    rpc_later_done(reg->later, e, &reg->made);
}

/* --- on a worker: is it a registration at all? --- */

static enum err check_domain(struct registering *reg)
{
    if (registration_has_domain(reg->settings, reg->email.key)) return OK;
    return call_fail(reg->call, ERR_FORBIDDEN, "email: only those of certain domains may register here");
}

static const char FIND_NICKNAME[] = "SELECT FROM account WHERE nickname_key = $1 OR nickname_skeleton ="
                                    " nickname_skeleton_of($2)";

/* Before the e-mail is looked at, so that the answer is the same whoever's that is. */
static enum err check_nickname(struct registering *reg, struct pg *pg, struct arena *arena)
{
    int64_t rows;

    if (!mail_is_on(reg->settings)) return OK;
    TRY(pg_run(pg, arena, FIND_NICKNAME, PG_ARGS(pg_text(reg->nickname.key), pg_text(reg->nickname.written)), &rows));
    return rows == 0 ? OK : call_fail(reg->call, ERR_CONFLICT, "nickname: another user has it");
}

/* Nobody without a good one has a password hashed. */
static enum err check_invitation(struct registering *reg, struct pg *pg, struct arena *arena)
{
    struct invitation_claim claim;

    if (reg->draft->invitation.len == 0) return check_domain(reg);
    return single_use_read(pg, arena, &single_use_invite, reg->draft->invitation, NULL, &claim);
}

static enum err check_names(struct pg *pg, struct arena *arena, void *arg)
{
    struct registering *reg = arg;
    const char *why = NULL;

    enum err e = email_read(pg, arena, reg->draft->email, &reg->email, &why);
    if (why != NULL) return call_fail(reg->call, e, "email: %s", why);
    TRY(e);
    e = nickname_read(pg, arena, reg->draft->nickname, &reg->nickname, &why);
    if (why != NULL) return call_fail(reg->call, e, "nickname: %s", why);
    TRY(e);
    TRY(check_invitation(reg, pg, arena));
    return check_nickname(reg, pg, arena);
}

/* --- on a thread for passwords --- */

static enum err hash_password(struct pg *pg, struct arena *arena, void *arg)
{
    struct registering *reg = arg;

    (void)pg;
    TRY(password_check(reg->call, &reg->password, reg->email.written, reg->nickname.written));
    reg->hash = user_password_hash(reg->settings, arena, &reg->password);
    return reg->hash.len > 0 ? OK : ERR_INTERNAL;
}

/* --- on a worker: the account, or the mail that it waits for --- */

static enum err take_invitation(struct registering *reg, struct call *call, struct account_draft *draft)
{
    struct invitation_claim claim = { .email = STR_NONE };
    struct email invited = { .key = STR_NONE };
    const char *why;

    if (reg->draft->invitation.len == 0) return OK;
    TRY(single_use_take(call->pg, call->arena, &single_use_invite, reg->draft->invitation, NULL, &claim));
    draft->policy = claim.policy;
    if (claim.email.len > 0) TRY(email_read(call->pg, call->arena, claim.email, &invited, &why));
    draft->is_verified = claim.email.len > 0 && str_eq(invited.key, draft->email.key);
    return OK;
}

/* Whether the address is somebody's is told to who has the mailbox alone. */
static enum err put_proof(struct call *call, const struct account_draft *draft)
{
    struct registration_claim claim = { .email = draft->email.written,
        .nickname = draft->nickname.written,
        .name = draft->name,
        .password = draft->password,
        .locale = draft->locale,
        .policy = draft->policy };
    struct account account;
    enum err e = account_by_email(call->pg, call->arena, draft->email.written, &account);

    if (e == OK) return mail_put(call, MAIL_known_already, &(struct mail_to){ .account = account.id }, NULL);
    if (e != ERR_NOT_FOUND) return e;
    return mail_put(call, MAIL_verify,
        &(struct mail_to){
            .email = claim.email, .locale = claim.locale, .holder = draft->email.key, .carries = &claim },
        NULL);
}

static enum err make_account(struct pg *pg, struct arena *arena, struct registering *reg)
{
    struct call call = call_on_worker(reg->call, pg, arena);
    struct account_draft draft = { .email = reg->email,
        .nickname = reg->nickname,
        .name = reg->draft->name,
        .locale = reg->draft->locale,
        .password = reg->hash };
    struct account account;

    TRY(take_invitation(reg, &call, &draft));
    if (mail_is_on(reg->settings) && !draft.is_verified) return put_proof(&call, &draft);
    enum err e = account_make(pg, arena, &draft, reg->call->now, &account);
    if (e == ERR_CONFLICT) return call_fail(reg->call, e, "email or nickname: another user has it");
    TRY(e);
    reg->made.user = account_user_in(arena, &account);
    return OK;
}

static enum err note_registration(struct pg *pg, struct arena *arena, const struct registering *reg, enum err result)
{
    const struct principal *who = reg->call->who;
    const struct user *user = reg->made.user; /* there is none yet where a mail is waited for */

    return attempt_note(pg, arena,
        &(struct attempt){ .kind = ATTEMPT_register,
            .subject = result == OK && user != NULL ? id_text(arena, user->id) : STR_NONE,
            .address = who->address,
            .device = who->agent,
            .trace = reg->call->trace,
            .result = result });
}

/* What a refusal did is undone, and its note stays. */
static enum err settle_registration(struct pg *pg, struct arena *arena, void *arg)
{
    struct registering *reg = arg;
    enum err e = make_account(pg, arena, reg);

    if (e == OK) return note_registration(pg, arena, reg, OK);
    if (err_status(e) >= 500) return e;
    pg_rollback(pg);
    TRY(note_registration(pg, arena, reg, e));
    TRY(pg_commit(pg));
    return e;
}

static const struct rpc_step steps[] = {
    { WORKER, check_names },
    { BLOCKING, hash_password },
    { WORKER, settle_registration },
    { 0 },
};

/* --- on the loop --- */

static enum err check_draft(struct registering *reg)
{
    const struct user_draft *draft = reg->draft;
    const char *refusal = registration_refusal(reg->settings, draft->invitation.len > 0);

    if (refusal != NULL) return call_fail(reg->call, ERR_FORBIDDEN, "%s", refusal);
    if (!password_keep(draft->password, &reg->password))
        return call_fail(reg->call, ERR_PASSWORD_TOO_LONG, "password: has more than %d bytes", PASSWORD_BYTES_MAX);
    if (draft->name.len > 0 && !text_is_plain(draft->name))
        return call_fail(
            reg->call, ERR_INVALID_ARGUMENT, "name: has a character that is not seen, or begins or ends with a blank");
    if (draft->locale.len > 0 && !str_is(draft->locale, "ko") && !str_is(draft->locale, "en"))
        return call_fail(reg->call, ERR_INVALID_ARGUMENT, "locale: is neither ko nor en");
    return OK;
}

void user_register(struct call *call, const struct user_draft *draft, struct rpc_later *later)
{
    struct registering *reg = arena_zero(call->arena, sizeof *reg);

    reg->later = later;
    reg->call = call;
    reg->settings = auth_settings(call);
    reg->draft = draft;
    enum err e = check_draft(reg);
    if (e == OK)
        rpc_later_steps(later, steps, answer_registration, reg);
    else
        answer_registration(reg, e);
}
