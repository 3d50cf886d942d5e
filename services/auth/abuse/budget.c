/* budget.c - rows of `budget`: an account's, by scope. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/abuse/budget.h"

#include <openssl/sha.h>

#include "libshared/base/hex.h"
#include "libshared/base/metrics.h"
#include "libshared/base/network.h"
#include "libshared/base/secret.h"
#include "libshared/db/rows.h"

#define SECOND_MS        INT64_C(1000)
#define DAY_MS           (86400 * SECOND_MS)
#define BAN_MS           (900 * SECOND_MS)
#define NETWORK_DAYS     90 /* that one is remembered after a success */
#define DEVICES_MAX      50 /* of an account; those that were seen longest ago go */
#define DEVICE_PREFIX    "device:"
#define UNKNOWN_AHEAD_MS ((BUDGET_UNKNOWN_BURST - 1) * BUDGET_UNKNOWN_MS)

/* One account after the other, so that as many as come at once are counted one by one. */
static const char LOCK_ACCOUNT[] = "SELECT pg_advisory_xact_lock(hashtextextended('madang.auth.budget.' || $1, 0))";

static const char BUDGETS[] = "SELECT scope, failures, next_at, good_at, changed_at FROM budget WHERE account = $1"
                              " AND scope = ANY ($2)";

static const char KEEP_BUDGET[] =
    "INSERT INTO budget (account, scope, failures, next_at, changed_at) VALUES ($1, $2, $3, $4, $5)"
    " ON CONFLICT (account, scope) DO UPDATE SET failures = excluded.failures, next_at = excluded.next_at,"
    " changed_at = excluded.changed_at";

/* The failures of this scope are over. */
static const char NOTE_SUCCESS[] =
    "INSERT INTO budget (account, scope, failures, next_at, good_at, changed_at) VALUES ($1, $2, 0, $3, $3, $3)"
    " ON CONFLICT (account, scope) DO UPDATE SET failures = 0, next_at = $3, good_at = $3, changed_at = $3";

/* A device's success: others in its network may go on failing. */
static const char NOTE_NETWORK[] =
    "INSERT INTO budget (account, scope, failures, next_at, good_at, changed_at) VALUES ($1, $2, 0, $3, $3, $3)"
    " ON CONFLICT (account, scope) DO UPDATE SET good_at = $3";

static const char GIVE_BACK[] = "UPDATE budget SET failures = greatest(failures - 1, 0), next_at = $3"
                                " WHERE account = $1 AND scope = $2";

static const char GIVE_BACK_UNKNOWN[] =
    "UPDATE budget SET next_at = next_at - $2::bigint * interval '1 millisecond' WHERE account = $1 AND scope = ''";

static const char FORGET_MANY_DEVICES[] =
    "DELETE FROM budget WHERE account = $1 AND scope IN (SELECT scope FROM budget WHERE account = $1"
    " AND scope LIKE 'device:%' ORDER BY changed_at DESC OFFSET $2)";

static const char KNOWS_ANY[] = "SELECT FROM budget WHERE account = $1 AND good_at IS NOT NULL LIMIT 1";

static const char FORGET_KNOWN[] = "DELETE FROM budget WHERE account = $1 AND good_at IS NOT NULL";

struct budget_row {
    struct str scope;
    int64_t failures, next_at, good_at, changed_at;
};
static const struct wire_field budget_fields[] = {
    ROW_FIELD(struct budget_row, scope, TEXT),
    ROW_FIELD(struct budget_row, failures, INT),
    ROW_FIELD(struct budget_row, next_at, TIME),
    ROW_FIELD(struct budget_row, good_at, TIME),
    ROW_FIELD(struct budget_row, changed_at, TIME),
    ROW_END,
};
static const struct wire_shape budget_shape = { "budget_row", "", sizeof(struct budget_row), budget_fields };
struct budget_row_list {
    struct budget_row *at;
    size_t len;
};

/* What is kept of one who asks. */
struct state {
    struct budget_row own;     /* of its scope */
    struct budget_row unknown; /* of all that nobody knows */
};

static void count_guess(bool let)
{
    static struct metric *counters[2];

    if (counters[0] == NULL) { /* the same each time, whichever thread asks first */
        counters[1] =
            metric_counter("madang_guesses_total", "result=\"compared\"", "Proofs of accounts that were given");
        counters[0] =
            metric_counter("madang_guesses_total", "result=\"refused\"", "Proofs of accounts that were given");
    }
    metric_add(counters[let], 1);
}

static struct str device_scope(struct arena *arena, struct str token)
{
    unsigned char hash[SHA256_DIGEST_LENGTH];
    char text[2 * sizeof hash + 1];

    SHA256((const unsigned char *)token.at, token.len, hash);
    hex_format(hash, sizeof hash, text);
    return arena_printf(arena, DEVICE_PREFIX "%.*s", (int)(2 * sizeof hash), text);
}

static const struct budget_row *find_row(const struct budget_row_list *rows, struct str scope)
{
    for (size_t i = 0; i < rows->len; i++)
        if (str_eq(rows->at[i].scope, scope)) return &rows->at[i];
    return NULL;
}

static struct budget_row row_or_none(const struct budget_row *row, struct str scope)
{
    return row != NULL ? *row : (struct budget_row){ .scope = scope };
}

static bool was_good(const struct budget_row *row, int64_t now)
{
    return row != NULL && row->good_at != 0 && row->good_at > now - NETWORK_DAYS * DAY_MS;
}

static enum err load_state(struct pg *pg, struct arena *arena, struct budget_try *who, struct state *out)
{
    char name[ADDRESS_NETWORK_CHARS + 1];
    struct str network = arena_str(arena, address_network_name(who->address, name));
    struct str device = secret_is_text(who->device, DEVICE_TOKEN_CHARS) ? device_scope(arena, who->device) : STR("?");
    struct str scopes[] = { STR(""), network, device };
    struct budget_row_list rows = { NULL, 0 };

    TRY(pg_all(pg, arena, &budget_shape, &rows, COUNT(scopes), BUDGETS,
        PG_ARGS(pg_text(who->account), pg_texts(arena, (struct str_list){ scopes, COUNT(scopes) }))));
    bool is_known_device = find_row(&rows, device) != NULL;
    who->scope = is_known_device ? device : network;
    who->is_unknown = !is_known_device && !was_good(find_row(&rows, network), who->now);
    out->own = row_or_none(find_row(&rows, who->scope), who->scope);
    out->unknown = row_or_none(find_row(&rows, STR("")), STR(""));
    if (out->own.changed_at < who->now - DAY_MS) out->own.failures = 0;
    return OK;
}

static int64_t wait_after(int64_t failures)
{
    if (failures <= BUDGET_FREE) return 0;
    if (failures < BUDGET_BAN_AFTER) return SECOND_MS << (failures - BUDGET_FREE - 1);
    int64_t doubled = failures - BUDGET_BAN_AFTER < 7 ? failures - BUDGET_BAN_AFTER : 7;
    int64_t wait = BAN_MS << doubled;
    return wait < DAY_MS ? wait : DAY_MS;
}

/* 0: it may; else how long not. */
static int64_t wait_of(const struct budget_try *who, const struct state *state)
{
    int64_t own = state->own.failures > BUDGET_FREE ? state->own.next_at - who->now
                                                    : 0; /* calls have their times before their turns */
    int64_t unknown = who->is_unknown ? state->unknown.next_at - UNKNOWN_AHEAD_MS - who->now : 0;
    int64_t wait = own > unknown ? own : unknown;

    return wait > 0 ? wait : 0;
}

static enum err refuse_try(struct budget_try *who, int64_t wait)
{
    count_guess(false);
    who->retry_after_ms = wait;
    return ERR_RATE_LIMITED;
}

static enum err save_row(struct pg *pg, struct arena *arena, const struct budget_try *who, const struct budget_row *row)
{
    return pg_run(pg, arena, KEEP_BUDGET,
        PG_ARGS(pg_text(who->account), pg_text(row->scope), pg_int(row->failures), pg_time(row->next_at),
            pg_time(who->now)),
        NULL);
}

static enum err take_try(struct pg *pg, struct arena *arena, struct budget_try *who, struct state *state)
{
    int64_t tokens_from = state->unknown.next_at > who->now ? state->unknown.next_at : who->now;

    who->failures = ++state->own.failures;
    state->own.next_at = who->now + wait_after(who->failures);
    state->unknown.next_at = tokens_from + BUDGET_UNKNOWN_MS;
    TRY(save_row(pg, arena, who, &state->own));
    if (who->is_unknown) TRY(save_row(pg, arena, who, &state->unknown));
    return pg_commit(pg);
}

/* Most of a flood is refused by what is read first, without a lock. */
enum err budget_ask(struct pg *pg, struct arena *arena, struct budget_try *who)
{
    struct state state;

    TRY(load_state(pg, arena, who, &state));
    if (wait_of(who, &state) > 0) return refuse_try(who, wait_of(who, &state));
    TRY(pg_run(pg, arena, LOCK_ACCOUNT, PG_ARGS(pg_text(who->account)), NULL));
    TRY(load_state(pg, arena, who, &state));
    if (wait_of(who, &state) > 0) return refuse_try(who, wait_of(who, &state));
    TRY(take_try(pg, arena, who, &state));
    count_guess(true);
    return OK;
}

static enum err give_back_unknown(struct pg *pg, struct arena *arena, const struct budget_try *who)
{
    if (!who->is_unknown) return OK;
    return pg_run(pg, arena, GIVE_BACK_UNKNOWN, PG_ARGS(pg_text(who->account), pg_int(BUDGET_UNKNOWN_MS)), NULL);
}

enum err budget_return(struct pg *pg, struct arena *arena, const struct budget_try *who)
{
    if (who->scope.len == 0) return OK;
    TRY(pg_run(pg, arena, GIVE_BACK, PG_ARGS(pg_text(who->account), pg_text(who->scope), pg_time(who->now)), NULL));
    return give_back_unknown(pg, arena, who);
}

static enum err note_success(struct pg *pg, struct arena *arena, const struct budget_try *who, struct str scope)
{
    return pg_run(pg, arena, NOTE_SUCCESS, PG_ARGS(pg_text(who->account), pg_text(scope), pg_time(who->now)), NULL);
}

static enum err make_device(struct pg *pg, struct arena *arena, const struct budget_try *who, struct str *device)
{
    char *token = arena_alloc(arena, DEVICE_TOKEN_CHARS + 1);

    secret_text(token, DEVICE_TOKEN_CHARS);
    *device = (struct str){ token, DEVICE_TOKEN_CHARS };
    TRY(note_success(pg, arena, who, device_scope(arena, *device)));
    return pg_run(pg, arena, FORGET_MANY_DEVICES, PG_ARGS(pg_text(who->account), pg_int(DEVICES_MAX)), NULL);
}

/* The scope that a proof counts for, where no budget was taken. */
static enum err find_scope(struct pg *pg, struct arena *arena, struct budget_try *who)
{
    struct state state;

    TRY(load_state(pg, arena, who, &state));
    who->is_unknown = false;
    return OK;
}

enum err budget_clear(struct pg *pg, struct arena *arena, struct budget_try *who, struct str *device)
{
    char name[ADDRESS_NETWORK_CHARS + 1];
    int64_t known;

    *device = STR_NONE;
    if (who->scope.len == 0) TRY(find_scope(pg, arena, who));
    TRY(pg_run(pg, arena, KNOWS_ANY, PG_ARGS(pg_text(who->account)), &known));
    bool is_device = str_starts(who->scope, STR(DEVICE_PREFIX));
    who->is_new = !is_device && known > 0;
    TRY(give_back_unknown(pg, arena, who));
    TRY(note_success(pg, arena, who, who->scope));
    if (!is_device) return make_device(pg, arena, who, device);
    return pg_run(pg, arena, NOTE_NETWORK,
        PG_ARGS(pg_text(who->account), pg_text(address_network_name(who->address, name)), pg_time(who->now)), NULL);
}

enum err budget_forget_devices(struct pg *pg, struct arena *arena, struct str account)
{
    return pg_run(pg, arena, FORGET_KNOWN, PG_ARGS(pg_text(account)), NULL);
}
