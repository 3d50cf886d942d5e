/* bearer.c - verified tokens, remembered, and what they allow now. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "libshared/base/clock.h"

#include <openssl/sha.h>
#include <string.h>

#include "libshared/base/table.h"
#include "services/gateway/identity/bearer_private.h"
#include "services/gateway/identity/token_head.h"

#define REMEMBERED_MAX   10000
#define REMEMBERED_BYTES ((size_t)32 << 20) /* a cap of 4 KiB becomes a hundred times a plain token */

struct remembered {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    struct bearer *bearer;
    UT_hash_handle hh; /* in the order of their coming */
};

struct bearers {
    struct trusted *trusted;
    struct remembered *table;
    size_t bytes; /* of all in it */
    struct socket_index index;
};

struct bearers *bearers_create(struct trusted *trusted)
{
    struct bearers *bearers = mem_zero(sizeof *bearers);

    bearers->trusted = trusted;
    return bearers;
}

static struct bearer *take_bearer(struct bearer *bearer)
{
    bearer->refs++;
    return bearer;
}

static void drop_bearer(struct bearer *bearer)
{
    assert(bearer->refs > 0);
    if (--bearer->refs > 0) return;
    socket_index_remove(&bearer->home->index, &bearer->token);
    policy_ref_drop(&bearer->cap);
    mem_free(bearer);
}

static size_t cost_of(const struct bearer *bearer)
{
    return sizeof(struct remembered) + bearer->bytes;
}

static void forget_remembered(struct bearers *bearers, struct remembered *one)
{
    HASH_DEL(bearers->table, one);
    assert(bearers->bytes >= cost_of(one->bearer));
    bearers->bytes -= cost_of(one->bearer);
    drop_bearer(one->bearer);
    mem_free(one);
}

void bearers_forget(struct bearers *bearers)
{
    while (bearers->table != NULL) forget_remembered(bearers, bearers->table);
}

void bearers_destroy(struct bearers **bearers)
{
    if (*bearers == NULL) return;
    bearers_forget(*bearers);
    socket_index_free(&(*bearers)->index);
    mem_free(*bearers);
    *bearers = NULL;
}

static bool has_room(const struct bearers *bearers, size_t bytes)
{
    return HASH_COUNT(bearers->table) < REMEMBERED_MAX && bearers->bytes + bytes <= REMEMBERED_BYTES;
}

static void remember_bearer(struct bearers *bearers, const unsigned char *digest, struct bearer *bearer)
{
    struct remembered *one = mem_zero(sizeof *one);

    while (bearers->table != NULL && !has_room(bearers, cost_of(bearer))) forget_remembered(bearers, bearers->table);
    bearers->bytes += cost_of(bearer);
    memcpy(one->digest, digest, sizeof one->digest);
    one->bearer = take_bearer(bearer);
    HASH_ADD(hh, bearers->table, digest, sizeof one->digest, one);
}

static void list_token(struct bearers *bearers, struct bearer *bearer)
{
    bearer->home = bearers;
    bearer->token.name[INDEX_SUBJECT] = bearer->sub;
    bearer->token.name[INDEX_KEY] = bearer->key;
    bearer->token.name[INDEX_SESSION] = bearer->session;
    bearer->token.name[INDEX_POLICY] = bearer->policy;
    socket_index_add(&bearers->index, &bearer->token);
}

static enum err find_bearer(struct bearers *bearers, struct str token, struct bearer **out)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    struct remembered *known;

    SHA256((const unsigned char *)token.at, token.len, digest);
    HASH_FIND(hh, bearers->table, digest, sizeof digest, known);
    if (known != NULL) {
        *out = take_bearer(known->bearer);
        return OK;
    }
    TRY(claims_read(bearers->trusted, token, out));
    list_token(bearers, *out);
    remember_bearer(bearers, digest, *out);
    return OK;
}

static const struct key_state *key_of(const struct bearers *bearers, const struct bearer *bearer)
{
    return key_states_find(trusted_key_states(bearers->trusted), bearer->key);
}

bool bearers_ban(const struct bearers *bearers, struct str address)
{
    return bans_have(trusted_bans(bearers->trusted), STR_NONE, STR_NONE, address);
}

bool rights_admit(const struct bearers *bearers, const struct rights *rights, struct str address)
{
    return key_state_admits(key_of(bearers, rights->bearer), rights->bearer->kind, address);
}

/* Of a revoked key all have; of a subject or session those that were issued up to then. */
static enum err check_end(const struct ended *ended, const struct bearer *bearer)
{
    if (ended_find(ended, ENDED_KEY, bearer->key) >= 0) return ERR_KEY_REVOKED;
    if (ended_find(ended, ENDED_SUBJECT, bearer->sub) >= bearer->issued_at) return ERR_SESSION_ENDED;
    return ended_find(ended, ENDED_SESSION, bearer->session) >= bearer->issued_at ? ERR_SESSION_ENDED : OK;
}

/* What may change while a token lives. */
static enum err check_bearer(
    struct bearers *bearers, const struct bearer *bearer, struct str address, struct policy_compiled **policy)
{
    const struct key_state *key = key_of(bearers, bearer);
    int64_t now = clock_ms();

    if (bearer->expires_at <= now) return ERR_TOKEN_EXPIRED;
    TRY(check_end(trusted_ended(bearers->trusted), bearer));
    if (bans_have(trusted_bans(bearers->trusted), bearer->sub, bearer->key, address)) return ERR_BANNED;
    TRY(key_state_check(key, bearer->kind, address, now));
    *policy = trusted_find_policy(bearers->trusted, key_state_policy(key, bearer->policy));
    return *policy != NULL ? OK : ERR_FORBIDDEN;
}

static enum err check_open(const struct bearer *bearer)
{
    return bearer->pending ? ERR_MFA_REQUIRED : OK;
}

static enum err check_personal(const struct bearer *bearer)
{
    return bearer->kind == BEARER_USER ? OK : ERR_FORBIDDEN;
}

static enum err get_rights(struct bearers *bearers, struct str token, struct str address,
    enum err (*check)(const struct bearer *bearer), struct rights *out)
{
    struct policy_compiled *policy;
    struct bearer *bearer;

    if (!trusted_is_known(bearers->trusted)) return ERR_UNAVAILABLE;
    if (token.len == 0) return ERR_UNAUTHENTICATED;
    if (token.len > TOKEN_BYTES_MAX) return ERR_TOKEN_INVALID; /* before it is hashed */
    TRY(find_bearer(bearers, token, &bearer));
    enum err e = check_bearer(bearers, bearer, address, &policy);
    /* A policy that was made just now may not have come here yet, but the token has. */
    if (e == ERR_FORBIDDEN && trusted_recheck(bearers->trusted)) e = ERR_UNAVAILABLE;
    if (e == OK) e = check(bearer);
    if (e == OK)
        *out = (struct rights){ bearer, policy_ref_take(policy) };
    else
        drop_bearer(bearer);
    return e;
}

enum err rights_get(struct bearers *bearers, struct str token, struct str address, struct rights *out)
{
    return get_rights(bearers, token, address, check_open, out);
}

enum err rights_get_pending(struct bearers *bearers, struct str token, struct str address, struct rights *out)
{
    return get_rights(bearers, token, address, check_personal, out);
}

enum err rights_renew(struct bearers *bearers, struct str address, struct rights *rights)
{
    struct policy_compiled *policy;

    TRY(check_bearer(bearers, rights->bearer, address, &policy));
    policy_ref_take(policy);
    policy_ref_drop(&rights->policy);
    rights->policy = policy;
    return OK;
}

void rights_drop(struct rights *rights)
{
    if (rights->bearer == NULL) return;
    drop_bearer(rights->bearer);
    policy_ref_drop(&rights->policy);
    *rights = (struct rights){ 0 };
}

/* Accounts and what belongs to them, and whatever is for administrators. */
static bool is_personal(struct str nsp, enum policy_action action)
{
    return action == POLICY_ADMIN || str_is(nsp, "/account") || str_is(nsp, "/admin");
}

bool rights_allow(
    const struct rights *rights, struct str nsp, struct str event, struct str room, enum policy_action action)
{
    struct policy_question question = { nsp, event, room, rights->bearer->sub, action };

    if (rights->bearer->kind == BEARER_ACTING && is_personal(nsp, action)) return false;
    return policy_ask(rights->policy, &question).allowed &&
           (rights->bearer->cap == NULL || policy_ask_cap(rights->bearer->cap, &question).allowed);
}

static bool is_denied(struct policy_answer answer)
{
    return !answer.allowed && answer.rule >= 0;
}

bool rights_deny(
    const struct rights *rights, struct str nsp, struct str event, struct str room, enum policy_action action)
{
    struct policy_question question = { nsp, event, room, rights->bearer->sub, action };

    return is_denied(policy_ask(rights->policy, &question)) ||
           (rights->bearer->cap != NULL && is_denied(policy_ask_cap(rights->bearer->cap, &question)));
}

struct str bearer_subject(const struct bearer *bearer)
{
    return bearer != NULL ? bearer->sub : STR_NONE;
}

struct str bearer_session(const struct bearer *bearer)
{
    return bearer != NULL ? bearer->session : STR_NONE;
}

struct str bearer_key(const struct bearer *bearer)
{
    return bearer != NULL ? bearer->key : STR_NONE;
}

static struct policy_question publishing(const struct rights *rights, struct str nsp, struct str event)
{
    return (struct policy_question){ nsp, event, STR_NONE, rights->bearer->sub, POLICY_PUBLISH };
}

bool rights_name(const struct rights *rights, struct str nsp, struct str event)
{
    struct policy_question question = publishing(rights, nsp, event);

    return policy_names(rights->policy, &question);
}

size_t rights_named_events(const struct rights *rights, struct str nsp, struct str *out, size_t max)
{
    return policy_named_events(rights->policy, nsp, rights->bearer->sub, out, max);
}

struct str bearer_kind_name(const struct bearer *bearer)
{
    switch (bearer->kind) {
    case BEARER_KEY: return STR("key");
    case BEARER_ACTING: return STR("acting");
    case BEARER_USER:
    case BEARER_NAMED: break;
    }
    return STR("token");
}

struct str bearer_policy(const struct bearers *bearers, const struct bearer *bearer)
{
    return key_state_policy(key_of(bearers, bearer), bearer->policy);
}

size_t bearer_bytes(const struct bearer *bearer)
{
    return bearer->bytes;
}

size_t bearers_bytes(const struct bearers *bearers)
{
    return bearers->bytes;
}

int64_t bearer_expires_at(const struct bearers *bearers, const struct bearer *bearer)
{
    return key_state_end(key_of(bearers, bearer), bearer->expires_at);
}

struct principal bearer_principal(
    const struct bearers *bearers, const struct bearer *bearer, struct str session, struct str address)
{
    return (struct principal){ .sub = bearer->sub,
        .kind = bearer_kind_name(bearer),
        .session = session,
        .key = bearer->key,
        .policy = bearer_policy(bearers, bearer),
        .narrowed = bearer->cap != NULL,
        .address = address,
        .quotas = limits_quotas(trusted_limits(bearers->trusted), bearer->sub, bearer->key) };
}

void rights_add_socket(const struct rights *rights, struct index_socket *socket)
{
    if (rights->bearer != NULL) index_socket_add(&rights->bearer->token, socket);
}

void bearers_each_socket(const struct bearers *bearers, enum index_by by, struct str name,
    void (*visit)(void *arg, struct index_socket *socket), void *arg)
{
    socket_index_each(&bearers->index, by, name, visit, arg);
}

struct of_key {
    const struct bearers *bearers;
    void (*visit)(void *arg, struct index_socket *socket);
    void *arg;
};

static void visit_key(void *arg, struct str key)
{
    const struct of_key *of_key = arg;

    bearers_each_socket(of_key->bearers, INDEX_KEY, key, of_key->visit, of_key->arg);
}

void bearers_each_socket_of_policy(
    const struct bearers *bearers, struct str name, void (*visit)(void *arg, struct index_socket *socket), void *arg)
{
    struct of_key of_key = { bearers, visit, arg };

    bearers_each_socket(bearers, INDEX_POLICY, name, visit, arg);
    key_states_each(trusted_key_states(bearers->trusted), name, visit_key, &of_key);
}
