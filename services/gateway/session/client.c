/* client.c - sockets with an identity. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/session/client.h"

#include "libshared/base/clock.h"
#include "libshared/base/log.h"
#include "libshared/base/metrics.h"
#include "libshared/service/settings.h"
#include "libshared/wire/json.h"
#include "services/gateway/session/guesses.h"
#include "services/gateway/session/refusal.h"

struct clients {
    struct ev_loop *loop;
    struct bearers *bearers;
    struct rates *rates;
    struct clients_upper upper;
    struct client **at;
    size_t n, cap;
    struct metric *accepted, *refused;
};

struct clients *clients_create(
    struct ev_loop *loop, struct bearers *bearers, struct rates *rates, const struct clients_upper *upper)
{
    struct clients *clients = mem_zero(sizeof *clients);

    clients->loop = loop;
    clients->bearers = bearers;
    clients->rates = rates;
    clients->upper = *upper;
    clients->accepted =
        metric_counter("madang_connects_total", "result=\"accepted\"", "Attempts to connect to a namespace");
    clients->refused =
        metric_counter("madang_connects_total", "result=\"refused\"", "Attempts to connect to a namespace");
    return clients;
}

void clients_destroy(struct clients **clients)
{
    if (*clients == NULL) return;
    mem_free((*clients)->at);
    mem_free(*clients);
    *clients = NULL;
}

size_t clients_count(const struct clients *clients)
{
    return clients->n;
}

void clients_each(struct clients *clients, void (*visit)(void *arg, struct client *client), void *arg)
{
    for (size_t i = clients->n; i-- > 0;) visit(arg, clients->at[i]);
}

bool client_may(const struct client *client, struct str event, struct str room, enum policy_action action)
{
    return rights_allow(&client->rights, sio_nsp(client->socket), event, room, action);
}

struct principal client_principal(const struct client *client)
{
    const struct bearer *bearer = client->rights.bearer;

    return (struct principal){ .sub = bearer_subject(bearer),
        .kind = bearer_kind_name(bearer),
        .session = str_of(sio_sid(client->socket)),
        .key = bearer_key(bearer),
        .policy = bearer_policy(bearer),
        .address = sio_address(client->socket),
        .quotas = bearers_quotas(client->home->bearers, bearer) };
}

static void end(struct client *client, enum err e)
{
    LOG(INFO, "gateway.ended", F_TEXT("socket", sio_sid(client->socket)),
        F_STR("subject", bearer_subject(client->rights.bearer)), F_TEXT("code", err_code(e)));
    refusal_disconnect(client->socket, e);
}

static void emit_expiring(struct client *client)
{
    struct buf json = BUF(100);

    buf_printf(&json, "{\"expires_at\":%lld}", (long long)bearer_expires_at(client->rights.bearer));
    sio_emit(client->socket, "token:expiring", buf_str(&json));
    buf_free(&json);
}

/* Not before half of its time: a client that answers a short token's warning with another short one would be warned at once. */
static int64_t until_warning(int64_t left_ms)
{
    int64_t ahead_ms = settings.gateway.token_warning_s * 1000;

    return left_ms - (ahead_ms < left_ms / 2 ? ahead_ms : left_ms / 2);
}

static void start_timer(struct client *client)
{
    int64_t left_ms = bearer_expires_at(client->rights.bearer) - clock_ms();
    int64_t wait_ms = client->warned ? left_ms : until_warning(left_ms);

    ev_timer_stop(client->home->loop, &client->token);
    ev_timer_set(&client->token, wait_ms > 0 ? (double)wait_ms / 1000. : 0., 0.);
    ev_timer_start(client->home->loop, &client->token);
}

static void on_token_time(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct client *client = timer->data;

    (void)loop, (void)events;
    if (client->warned) {
        end(client, ERR_TOKEN_EXPIRED);
        return;
    }
    client->warned = true;
    if (settings.gateway.token_warning_s > 0) emit_expiring(client);
    start_timer(client);
}

static struct client *admit(struct clients *clients, struct sio_socket *socket, const struct rights *rights)
{
    struct client *client = mem_zero(sizeof *client);

    client->home = clients;
    client->index = clients->n;
    client->socket = socket;
    client->rights = *rights;
    ev_timer_init(&client->token, on_token_time, 0., 0.);
    client->token.data = client;
    clients->at = mem_one_more(clients->at, clients->n, &clients->cap, sizeof *clients->at);
    clients->at[clients->n++] = client;
    sio_set_user(socket, client);
    return client;
}

/* By the `token` of an object of JSON.  No token needs an escape. */
static enum err get_rights(
    struct clients *clients, const struct sio_socket *socket, struct str object, struct rights *out, int64_t *retry_ms)
{
    struct str raw, token = STR_NONE;

    *retry_ms = 0;
    if (object.len > sio_auth_bytes_max(socket)) return ERR_TOO_LARGE;
    if (json_find(object, "token", &raw)) json_plain_text(raw, &token);
    enum err e = rights_get(clients->bearers, token, sio_address(socket), out);
    *retry_ms = guess_count_token(clients->rates, sio_address(socket), &e);
    return e;
}

static enum err may_connect(const struct rights *rights, struct str nsp)
{
    return rights_allow(rights, nsp, STR_NONE, STR_NONE, POLICY_CONNECT) ? OK : ERR_FORBIDDEN;
}

/* When it is decided: only then an accepted one has the sid that it keeps. */
static void log_connect(const struct sio_socket *socket, const struct rights *rights, enum err e)
{
    static struct log_bound refused; /* by strangers, as often as they like */
    int64_t left_out = 0;

    if (e != OK && !log_may_write(&refused, &left_out)) return;
    LOG(INFO, "gateway.connect", F_STR("namespace", sio_nsp(socket)), F_TEXT("socket", sio_sid(socket)),
        F_STR("address", sio_address(socket)),
        F_STR("subject", rights->bearer != NULL ? bearer_subject(rights->bearer) : STR_NONE),
        F_TEXT("code", err_code(e)), F_SOME("left_out", left_out));
}

static void refuse(
    struct clients *clients, struct sio_socket *socket, const struct rights *rights, enum err e, int64_t retry_ms)
{
    struct buf data = BUF(200);

    log_connect(socket, rights, e);
    metric_add(clients->refused, 1);
    buf_printf(&data, "{\"code\":\"%s\"", err_code(e));
    if (retry_ms > 0) buf_printf(&data, ",\"retry_after_ms\":%lld", (long long)retry_ms);
    buf_add_char(&data, '}');
    sio_refuse(socket, err_text(e), buf_str(&data));
    buf_free(&data);
}

void clients_refuse(struct clients *clients, struct sio_socket *socket, const struct rights *rights, enum err e)
{
    refuse(clients, socket, rights, e, 0);
}

struct client *clients_enter(struct clients *clients, struct sio_socket *socket, const struct rights *rights,
    struct str auth, const char *sid, const char *pid)
{
    struct client *client = admit(clients, socket, rights);

    metric_add(clients->accepted, 1);
    sio_accept_as(socket, sid, pid);
    log_connect(socket, rights, OK);
    clients->upper.opened(clients->upper.arg, client, auth);
    start_timer(client);
    return client;
}

enum err clients_check(struct clients *clients, const struct sio_socket *socket, struct rights *rights)
{
    TRY(rights_renew(clients->bearers, sio_address(socket), rights));
    return may_connect(rights, sio_nsp(socket));
}

static enum err charge_arrival(
    struct clients *clients, const struct sio_socket *socket, const struct rights *rights, int64_t *retry_ms)
{
    struct rate_payer payer = { .amount = { [UNIT_CALLS] = 1 } };
    struct rate_state state;

    payer.who[BY_ADDRESS] = sio_address(socket);
    payer.who[BY_SUBJECT] = bearer_subject(rights->bearer);
    bool good = rates_charge(clients->rates, CLASS_arrive, &payer, clock_mono_us(), &state);
    *retry_ms = state.retry_after_ms;
    return good ? OK : ERR_RATE_LIMITED;
}

/* Too early: clients try again by themselves, but not after a CONNECT_ERROR. */
static void send_away(struct sio_socket *socket)
{
    log_connect(socket, &(struct rights){ 0 }, ERR_UNAVAILABLE);
    sio_hang_up(socket);
}

static void on_connect(void *arg, struct sio_socket *socket, struct str auth)
{
    struct clients *clients = arg;
    struct rights rights = { 0 };
    int64_t retry_ms;
    enum err e = get_rights(clients, socket, auth, &rights, &retry_ms);

    if (e == OK) e = may_connect(&rights, sio_nsp(socket));
    if (e == OK) e = charge_arrival(clients, socket, &rights, &retry_ms);
    if (e == OK) e = sio_belongs(socket, bearer_subject(rights.bearer));
    if (e == ERR_UNAVAILABLE)
        send_away(socket);
    else if (e != OK)
        refuse(clients, socket, &rights, e, retry_ms);
    else if (clients->upper.entering == NULL ||
             !clients->upper.entering(clients->upper.arg, clients, socket, &rights, auth))
        clients_enter(clients, socket, &rights, auth, NULL, NULL);
    if (e != OK) rights_drop(&rights);
}

/* The same subject only: a socket does not change hands. */
static enum err renew_token(struct client *client, struct str object, int64_t *retry_ms)
{
    struct rights rights = { 0 };

    TRY(get_rights(client->home, client->socket, object, &rights, retry_ms));
    if (may_connect(&rights, sio_nsp(client->socket)) != OK ||
        !str_eq(bearer_subject(rights.bearer), bearer_subject(client->rights.bearer))) {
        rights_drop(&rights);
        return ERR_FORBIDDEN;
    }
    struct rights old = client->rights;
    client->rights = rights;
    client->warned = false;
    start_timer(client);
    client->home->upper.changed(client->home->upper.arg, client);
    rights_drop(&old);
    return OK;
}

static void refuse_refresh(struct client *client, int64_t ack, const struct failure *failure)
{
    refusal_send(client->socket, ack, failure);
    sio_count_refusal(client->socket);
}

static void on_refresh(struct client *client, const struct sio_event *event)
{
    int64_t wait_ms = sio_knock(client->socket);

    if (wait_ms > 0) {
        struct failure failure = refusal_later(ERR_RATE_LIMITED, wait_ms);
        refuse_refresh(client, event->ack, &failure);
        return;
    }
    enum err e = renew_token(client, event->first, &wait_ms);
    LOG(INFO, "gateway.refresh", F_TEXT("socket", sio_sid(client->socket)),
        F_STR("subject", bearer_subject(client->rights.bearer)), F_TEXT("code", err_code(e)));
    if (e != OK) {
        struct failure failure = refusal_later(e, wait_ms);
        refuse_refresh(client, event->ack, &failure);
    } else if (event->ack >= 0) {
        struct buf json = BUF(100);
        buf_printf(&json, "[{\"ok\":true,\"expires_at\":%lld}]", (long long)bearer_expires_at(client->rights.bearer));
        sio_ack(client->socket, event->ack, buf_str(&json), NULL, 0);
        buf_free(&json);
    }
}

static void on_event(void *arg, struct sio_socket *socket, const struct sio_event *event)
{
    struct clients *clients = arg;
    struct client *client = sio_user(socket);

    if (str_is(event->name, "auth:refresh"))
        on_refresh(client, event);
    else
        clients->upper.event(clients->upper.arg, client, event);
}

/* One that is not let in yet is asked about when it is. */
static bool on_admits(void *arg, struct sio_socket *socket, struct str address)
{
    const struct clients *clients = arg;
    const struct client *client = sio_user(socket);

    return client == NULL || rights_admit(clients->bearers, &client->rights, address);
}

static void on_refused(void *arg, struct sio_socket *socket, int64_t ack, struct str why)
{
    struct failure failure = refusal_plain(ERR_INVALID_ARGUMENT);

    (void)arg;
    failure.message = why;
    refusal_send(socket, ack, &failure);
}

static void on_drained(void *arg, struct sio_socket *socket)
{
    struct clients *clients = arg;

    clients->upper.drained(clients->upper.arg, sio_user(socket));
}

static void on_disconnected(void *arg, struct sio_socket *socket, const char *reason)
{
    struct clients *clients = arg;
    struct client *client = sio_user(socket);

    if (client == NULL) return; /* it was not let in yet */
    LOG(INFO, "gateway.disconnect", F_STR("namespace", sio_nsp(socket)), F_TEXT("socket", sio_sid(socket)),
        F_STR("subject", bearer_subject(client->rights.bearer)), F_TEXT("reason", reason));
    clients->upper.closed(clients->upper.arg, client, reason);
    ev_timer_stop(clients->loop, &client->token);
    clients->at[client->index] = clients->at[--clients->n];
    clients->at[client->index]->index = client->index;
    rights_drop(&client->rights);
    sio_set_user(socket, NULL);
    mem_free(client);
}

struct sio_namespace clients_namespace(struct clients *clients, const char *name)
{
    return (struct sio_namespace){ .name = name,
        .arg = clients,
        .connect = on_connect,
        .event = on_event,
        .refused = on_refused,
        .admits = on_admits,
        .drained = on_drained,
        .disconnected = on_disconnected };
}

static void review(void *arg, struct client *client)
{
    struct clients *clients = arg;
    enum err e = clients_check(clients, client->socket, &client->rights);

    if (e != OK)
        end(client, e);
    else
        clients->upper.changed(clients->upper.arg, client);
}

void clients_review(struct clients *clients)
{
    bearers_forget(clients->bearers);
    clients_each(clients, review, clients);
}
