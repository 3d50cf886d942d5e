/* client.c - sockets with an identity. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>

#include "libshared/base/clock.h"
#include "libshared/base/container_of.h"
#include "libshared/base/log.h"
#include "services/gateway/identity/client_private.h"
#include "services/gateway/identity/refusal.h"

#define OBEYED_HELP                                                                                                    \
    "From a change of keys, policies or sessions in auth's database until requests, or each socket, obeyed it here"

struct clients *clients_create(struct ev_loop *loop, struct bearers *bearers, struct rates *rates, int64_t warning_s)
{
    struct clients *clients = mem_zero(sizeof *clients);

    clients->loop = loop;
    clients->bearers = bearers;
    clients->rates = rates;
    clients->warning_s = warning_s;
    clients->accepted =
        metric_counter("madang_connects_total", "result=\"accepted\"", "Attempts to connect to a namespace");
    clients->refused =
        metric_counter("madang_connects_total", "result=\"refused\"", "Attempts to connect to a namespace");
    clients->reviewed = metric_counter(
        "madang_trust_sockets_reviewed_total", NULL, "Sockets whose rights were looked at again because of a change");
    clients->obeyed_by_requests = metric_histogram_us("madang_revocation_seconds", "what=\"requests\"", OBEYED_HELP);
    clients->obeyed_by_sockets = metric_histogram_us("madang_revocation_seconds", "what=\"sockets\"", OBEYED_HELP);
    return clients;
}

void clients_keep_handshakes(struct clients *clients, struct handshakes *handshakes)
{
    clients->handshakes = handshakes;
}

void clients_destroy(struct clients **clients)
{
    if (*clients == NULL) return;
    assert((*clients)->n == 0);
    for (unsigned i = (*clients)->n_features; i-- > 0;)
        if ((*clients)->features[i].object != NULL && (*clients)->features[i].is->destroy != NULL)
            (*clients)->features[i].is->destroy((*clients)->features[i].object);
    mem_free((*clients)->at);
    mem_free(*clients);
    *clients = NULL;
}

struct client *clients_find(const struct clients *clients, struct sio_socket *socket)
{
    return sio_is_of(socket, clients) ? sio_user(socket) : NULL;
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
    return bearer_principal(
        client->home->bearers, client->rights.bearer, str_of(sio_sid(client->socket)), sio_address(client->socket));
}

static void end_client(struct client *client, enum err e)
{
    LOG(INFO, "gateway.ended", F_TEXT("socket", sio_sid(client->socket)),
        F_STR("subject", bearer_subject(client->rights.bearer)), F_TEXT("code", err_code(e)));
    refusal_disconnect(client->socket, e);
}

static int64_t end_of(const struct client *client)
{
    return bearer_expires_at(client->home->bearers, client->rights.bearer);
}

static void emit_expiring(struct client *client)
{
    struct buf json = BUF(100);

    buf_printf(&json, "{\"expires_at\":%lld}", (long long)end_of(client));
    sio_emit(client->socket, "token:expiring", buf_str(&json));
    buf_free(&json);
}

/* Not before half of its time: a client that answers a short token's warning with another short one would be warned at once. */
static int64_t until_warning(const struct clients *clients, int64_t left_ms)
{
    int64_t ahead_ms = clients->warning_s * 1000;

    return left_ms - (ahead_ms < left_ms / 2 ? ahead_ms : left_ms / 2);
}

void client_start_timer(struct client *client)
{
    if (client->rights.bearer == NULL) return; /* nobody's, for as long as it likes */
    client->ends_at = end_of(client);
    int64_t left_ms = client->ends_at - clock_ms();
    int64_t wait_ms = client->warned ? left_ms : until_warning(client->home, left_ms);

    ev_timer_stop(client->home->loop, &client->token);
    ev_timer_set(&client->token, wait_ms > 0 ? (double)wait_ms / 1000. : 0., 0.);
    ev_timer_start(client->home->loop, &client->token);
}

static void on_token_time(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct client *client = timer->data;

    (void)loop, (void)events;
    if (client->warned) {
        enum err e = clients_check(client->home, client->socket, &client->rights);
        end_client(client, e == ERR_KEY_EXPIRED ? e : ERR_TOKEN_EXPIRED);
        return;
    }
    client->warned = true;
    if (client->home->warning_s > 0) emit_expiring(client);
    client_start_timer(client);
}

struct client *client_create(struct clients *clients, struct sio_socket *socket, const struct rights *rights)
{
    struct client *client = mem_zero(sizeof *client + clients->slot_bytes);

    client->home = clients;
    client->index = (uint32_t)clients->n;
    client->socket = socket;
    client->rights = *rights;
    rights_add_socket(&client->rights, &client->of_token);
    ev_timer_init(&client->token, on_token_time, 0., 0.);
    client->token.data = client;
    clients->at = mem_one_more(clients->at, clients->n, &clients->cap, sizeof *clients->at);
    clients->at[clients->n++] = client;
    sio_set_user(socket, client);
    return client;
}

/* The same subject only: a socket does not change hands.  OK: the socket holds its bearer. */
static enum err check_renewed(const struct client *client, const struct rights *rights)
{
    if (!rights_allow(rights, sio_nsp(client->socket), STR_NONE, STR_NONE, POLICY_CONNECT) ||
        !str_eq(bearer_subject(rights->bearer), bearer_subject(client->rights.bearer)))
        return ERR_FORBIDDEN;
    return sio_hold(client->socket, bearer_bytes(rights->bearer));
}

static enum err renew_token(struct client *client, struct str object, int64_t *retry_ms)
{
    struct rights rights = { 0 };

    TRY(client_identify(client->home, client->socket, object, &rights, retry_ms));
    enum err e = check_renewed(client, &rights);
    if (e != OK) {
        rights_drop(&rights);
        return e;
    }
    struct rights old = client->rights;
    index_socket_remove(&client->of_token);
    client->rights = rights;
    rights_add_socket(&client->rights, &client->of_token);
    client->warned = false;
    client_start_timer(client);
    features_changed(client);
    sio_release(client->socket, bearer_bytes(old.bearer));
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
    int64_t wait_ms = sio_charge_connect(client->socket);

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
        buf_printf(&json, "[{\"ok\":true,\"expires_at\":%lld}]", (long long)end_of(client));
        sio_ack(client->socket, event->ack, buf_str(&json), NULL, 0);
        buf_free(&json);
    }
}

static void on_client_event(void *arg, struct sio_socket *socket, const struct sio_event *event)
{
    const struct clients *clients = arg;
    struct client *client = sio_user(socket);

    if (clients->bearers != NULL && str_is(event->name, "auth:refresh"))
        on_refresh(client, event);
    else
        features_event(client, event);
}

/* One that is not let in yet is asked about when it is. */
static bool on_admits(void *arg, struct sio_socket *socket, struct str address)
{
    const struct clients *clients = arg;
    const struct client *client = sio_user(socket);

    return client == NULL || clients->bearers == NULL || rights_admit(clients->bearers, &client->rights, address);
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
    (void)arg;
    features_drained(sio_user(socket));
}

static void on_disconnected(void *arg, struct sio_socket *socket, const char *reason)
{
    struct clients *clients = arg;
    struct client *client = sio_user(socket);

    if (client == NULL) return; /* it was not let in yet */
    LOG(INFO, "gateway.disconnect", F_STR("namespace", sio_nsp(socket)), F_TEXT("socket", sio_sid(socket)),
        F_STR("subject", bearer_subject(client->rights.bearer)), F_TEXT("reason", reason));
    features_closed(client, reason);
    ev_timer_stop(clients->loop, &client->token);
    clients->at[client->index] = clients->at[--clients->n];
    clients->at[client->index]->index = client->index;
    index_socket_remove(&client->of_token);
    rights_drop(&client->rights);
    sio_set_user(socket, NULL);
    mem_free(client);
}

struct sio_namespace clients_namespace(struct clients *clients, const char *name)
{
    return (struct sio_namespace){ .name = name,
        .arg = clients,
        .connect = clients_on_connect,
        .event = on_client_event,
        .refused = on_refused,
        .admits = on_admits,
        .drained = on_drained,
        .disconnected = on_disconnected };
}

/* --- what is trusted has changed --- */

/* Its key ends earlier or later than was known. */
static void renew_timer(struct client *client)
{
    if (client->rights.bearer == NULL || client->ends_at == end_of(client)) return;
    client->warned = false;
    client_start_timer(client);
}

static void review_client(void *arg, struct client *client)
{
    struct clients *clients = arg;
    enum err e = clients_check(clients, client->socket, &client->rights);

    metric_add(clients->reviewed, 1);
    if (e != OK) {
        end_client(client, e);
        return;
    }
    renew_timer(client);
    features_changed(client);
}

void clients_review(struct clients *clients)
{
    if (clients->bearers != NULL) clients_each(clients, review_client, clients);
}

/* Held, as the review of one may end another. */
struct concerned {
    struct sio_socket **at;
    size_t n, cap;
};

static void add_concerned(void *arg, struct index_socket *of_token)
{
    struct concerned *all = arg;
    struct client *client = CONTAINER_OF(of_token, struct client, of_token);

    if (client->is_concerned) return; /* for another reason */
    client->is_concerned = true;
    all->at = mem_one_more(all->at, all->n, &all->cap, sizeof *all->at);
    all->at[all->n++] = sio_socket_take(client->socket);
}

static void find_concerned(const struct bearers *bearers, const struct trust *page, struct concerned *all)
{
    for (size_t i = 0; i < page->policies.len; i++)
        bearers_each_socket_of_policy(bearers, page->policies.at[i].name, add_concerned, all);
    for (size_t i = 0; i < page->gone.len; i++)
        bearers_each_socket_of_policy(bearers, page->gone.at[i], add_concerned, all);
    for (size_t i = 0; i < page->api_keys.len; i++)
        bearers_each_socket(bearers, INDEX_KEY, page->api_keys.at[i].key, add_concerned, all);
    for (size_t i = 0; i < page->ended.len; i++) {
        bearers_each_socket(bearers, INDEX_SUBJECT, page->ended.at[i].subject, add_concerned, all);
        bearers_each_socket(bearers, INDEX_SESSION, page->ended.at[i].session, add_concerned, all);
    }
}

/* By the database's clock and ours: the machines' clocks may differ. */
static void observe_obeyed(struct metric *metric, const struct trust *page)
{
    int64_t took_ms = clock_ms() - page->changed_at;

    if (page->changed_at != 0) metric_observe_us(metric, took_ms > 0 ? took_ms * 1000 : 0);
}

static void add_if_banned(void *arg, struct client *client)
{
    if (bearers_ban(client->home->bearers, sio_address(client->socket))) add_concerned(arg, &client->of_token);
}

/* Sockets are not found by their addresses: a ban of a network looks at each. */
static void find_banned(struct clients *clients, const struct trust *page, struct concerned *all)
{
    bool has_network = false;

    for (size_t i = 0; i < page->bans.len; i++) {
        bearers_each_socket(clients->bearers, INDEX_SUBJECT, page->bans.at[i].subject, add_concerned, all);
        bearers_each_socket(clients->bearers, INDEX_KEY, page->bans.at[i].key, add_concerned, all);
        has_network |= page->bans.at[i].network.len > 0 && !page->bans.at[i].lifted;
    }
    if (has_network) clients_each(clients, add_if_banned, all);
}

size_t clients_obey(struct clients *clients, const struct trust *page)
{
    struct concerned all = { NULL, 0, 0 };

    if (clients->bearers == NULL) return 0;
    observe_obeyed(clients->obeyed_by_requests, page);
    find_concerned(clients->bearers, page, &all);
    find_banned(clients, page, &all);
    for (size_t i = 0; i < all.n; i++) {
        struct client *client = sio_user(all.at[i]);
        if (client != NULL) {
            client->is_concerned = false;
            review_client(clients, client);
        }
        observe_obeyed(clients->obeyed_by_sockets, page);
        sio_socket_drop(all.at[i]);
    }
    mem_free(all.at);
    return all.n;
}
