/*
 * demo.c - a link with which somebody tries Madang in a browser, and what it opens.
 *
 *      authctl --demo.link--> secret, good once --> POST /demo --> chat --demo.admit--> two users, two tokens
 *
 * Both users are on their way out from the beginning: in an hour their tokens end, and they are erased as any user is who
 * left.  Their tokens are bounded by the policy `demo`, and within it by a cap that names the one room.
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/event_names.h"
#include "services/auth/auth.h"
#include "services/auth/limits/limits.h"
#include "services/auth/single_use/single_use.h"
#include "services/auth/tokens/user_token.h"
#include "services/auth/users/users.h"

#define DEMO_S      3600
#define DEMO_HOLDER STR("demo") /* of all links */
#define DEMO_POLICY STR("demo")

static bool demo_is_on(const struct call *call)
{
    return ((const struct auth *)call->context)->demo;
}

/* --- the link --- */

enum err demo_link(struct call *call, const struct demo_draft *draft, struct demo_link *rep)
{
    static const struct nothing none;
    struct str secret;

    if (!demo_is_on(call)) return call_fail(call, ERR_FORBIDDEN, "the demo is off: MADANG_DEMO");
    TRY(audit_record(call, "demo.link", DEMO_HOLDER, demo_draft_shape(), draft));
    TRY(single_use_make(call->pg, call->arena, &single_use_demo,
        &(struct single_use_draft){ .holder = DEMO_HOLDER, .life_s = draft->life_s }, &none, &secret));
    rep->expires_at = call->now + draft->life_s * 1000;
    rep->url = arena_printf(call->arena, "%s/#demo=%.*s", auth_public_url(call), STR_ARG(secret));
    return OK;
}

/* --- who comes with it --- */

static const char LEAVE_AT[] = "UPDATE account SET state = 'leaving', delete_at = $2 WHERE id = $1";

static enum err make_user(struct call *call, const char *name, int64_t expires_at, struct account *out)
{
    struct id chosen = id_new();
    char text[ID_TEXT_BYTES + 1];

    id_format(chosen, text);
    struct str nickname = arena_printf(call->arena, "demo-%.12s", text + ID_TEXT_BYTES - 12);
    struct account_draft draft = { .nickname = { .written = nickname, .key = nickname },
        .name = str_of(name),
        .email = { STR_NONE, STR_NONE },
        .policy = DEMO_POLICY };
    TRY(account_make(call->pg, call->arena, &draft, call->now, out));
    return pg_run(call->pg, call->arena, LEAVE_AT, PG_ARGS(pg_id(out->id), pg_time(expires_at)), NULL);
}

static enum err limit_user(struct call *call, struct id user)
{
    static const struct {
        const char *name;
        int64_t most;
    } limits[] = {
#define DEMO_LIMIT(name, most) { #name, most },
#include "services/auth/demo/limits.def"
#undef DEMO_LIMIT
    };

    for (size_t i = 0; i < COUNT(limits); i++) {
        struct limit limit = {
            .name = str_of(limits[i].name), .subject = id_text(call->arena, user), .limit = limits[i].most
        };
        TRY(limit_put(call, &limit));
    }
    return OK;
}

/* What the policy allows anywhere, in this room. */
static struct policy_rule_list cap_of(struct call *call, struct id room)
{
    static struct str connects[] = { { "connect", 7 } };
    static struct str acts[] = { { "emit", 4 }, { "subscribe", 9 }, { "publish", 7 }, { "history", 7 } };
    struct str *rooms = arena_zero(call->arena, sizeof *rooms), *nsp = arena_zero(call->arena, sizeof *nsp);
    struct policy_rule *rules = arena_zero(call->arena, 2 * sizeof *rules);

    *rooms = id_text(call->arena, room);
    *nsp = rooms_namespace();
    rules[0].effect = rules[1].effect = STR("allow");
    rules[0].namespaces = rules[1].namespaces = (struct str_list){ nsp, 1 };
    rules[0].actions = (struct str_list){ connects, COUNT(connects) };
    rules[1].actions = (struct str_list){ acts, COUNT(acts) };
    rules[1].rooms = (struct str_list){ rooms, 1 };
    return (struct policy_rule_list){ rules, 2 };
}

static enum err make_person(
    struct call *call, const char *name, const struct demo_ticket *ticket, int64_t expires_at, struct demo_person *out)
{
    const struct token_draft draft = { .cap = cap_of(call, ticket->room) };
    struct account account;
    int64_t until;

    TRY(make_user(call, name, expires_at, &account));
    TRY(limit_user(call, account.id));
    const struct user_token token = { .user = account.id,
        .session = id_new(),
        .name = str_of(name),
        .policy = DEMO_POLICY,
        .draft = &draft,
        .life_s = DEMO_S,
        .ends_at = expires_at };
    *out = (struct demo_person){ .id = account.id, .name = str_of(name) };
    return user_token_issue(call->pg, call->arena, auth_settings(call), call->now, &token, &out->token, &until);
}

static enum err end_later(struct call *call, const struct demo_person *people, int64_t expires_at)
{
    struct id *users = arena_alloc(call->arena, 2 * sizeof *users);

    users[0] = people[0].id;
    users[1] = people[1].id;
    return job_put(
        call, &demo_end_job, id_text(call->arena, users[0]), &(struct demo_pair){ { users, 2 } }, expires_at);
}

enum err demo_admit(struct call *call, const struct demo_ticket *ticket, struct demo_admission *rep)
{
    struct demo_person *people = arena_zero(call->arena, 2 * sizeof *people);
    struct nothing none;

    if (!demo_is_on(call)) return ERR_NO_ROUTE;
    TRY(single_use_take(call->pg, call->arena, &single_use_demo, ticket->secret, NULL, &none));
    rep->expires_at = (call->now / 1000 + DEMO_S) * 1000;
    TRY(make_person(call, "Ada", ticket, rep->expires_at, &people[0]));
    TRY(make_person(call, "Bora", ticket, rep->expires_at, &people[1]));
    rep->people = (struct demo_person_list){ people, 2 };
    trust_changed(call);
    return end_later(call, people, rep->expires_at);
}

/* --- it is over --- */

static const char FORGET_LIMITS[] = "DELETE FROM limit_change WHERE subject = ANY($1)";

enum err demo_end(struct call *call, const struct job *job, const struct demo_pair *pair)
{
    struct str *subjects = arena_alloc(call->arena, pair->users.len * sizeof *subjects + 1);
    static const struct nothing none;

    for (size_t i = 0; i < pair->users.len; i++) subjects[i] = id_text(call->arena, pair->users.at[i]);
    TRY(pg_run(call->pg, call->arena, FORGET_LIMITS,
        PG_ARGS(pg_texts(call->arena, (struct str_list){ subjects, pair->users.len })), NULL));
    return account_erase(call, job, &none);
}
