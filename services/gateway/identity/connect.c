/*
 * connect.c - the one way in:
 *
 *      CONNECT --> identify --> arrive --> resume, by the feature that takes it --later--> admit --> features open
 *                                    \--> begin ---------------------------------------/
 *                      \           \                                            \-----------------> refuse
 */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/log.h"
#include "libshared/wire/json.h"
#include "services/gateway/identity/client_private.h"
#include "services/gateway/identity/refusal.h"
#include "services/gateway/identity/guesses.h"

/* When it is decided: only then an accepted one has the sid that it keeps. */
static void note_connect(
    const struct clients *clients, const struct sio_socket *socket, const struct rights *rights, enum err e)
{
    static struct log_bound refused; /* by strangers, as often as they like */
    int64_t left_out = 0;

    handshakes_note(clients->handshakes, bearer_subject(rights->bearer),
        rights->bearer != NULL ? bearer_key(rights->bearer) : STR_NONE, sio_address(socket), e);
    if (e != OK && !log_may_write(&refused, &left_out)) return;
    LOG(INFO, "gateway.connect", F_STR("namespace", sio_nsp(socket)), F_TEXT("socket", sio_sid(socket)),
        F_STR("address", sio_address(socket)), F_STR("subject", bearer_subject(rights->bearer)),
        F_TEXT("code", err_code(e)), F_SOME("left_out", left_out));
}

/* --- identify --- */

/* No token needs an escape. */
enum err client_identify(
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

static enum err identify_arrival(struct arrival *arrival)
{
    struct clients *clients = arrival->clients;

    if (clients->bearers == NULL) return OK;
    TRY(client_identify(clients, arrival->socket, arrival->auth, &arrival->rights, &arrival->retry_ms));
    return may_connect(&arrival->rights, sio_nsp(arrival->socket));
}

enum err clients_check(struct clients *clients, const struct sio_socket *socket, struct rights *rights)
{
    if (clients->bearers == NULL) return OK;
    TRY(rights_renew(clients->bearers, sio_address(socket), rights));
    return may_connect(rights, sio_nsp(socket));
}

/* --- admit or refuse --- */

struct client *clients_admit(struct arrival *arrival)
{
    struct clients *clients = arrival->clients;
    struct client *client = client_create(clients, arrival->socket, &arrival->rights);

    arrival->rights = (struct rights){ 0 };
    metric_add(clients->accepted, 1);
    sio_accept_as(client->socket, arrival->sid, arrival->pid);
    note_connect(clients, client->socket, &client->rights, OK);
    client_start_timer(client);
    features_open(client, arrival);
    return client;
}

void clients_refuse(struct arrival *arrival, enum err e)
{
    struct buf data = BUF(200);

    note_connect(arrival->clients, arrival->socket, &arrival->rights, e);
    metric_add(arrival->clients->refused, 1);
    refusal_count(e);
    buf_printf(&data, "{\"code\":\"%s\"", err_code(e));
    if (arrival->retry_ms > 0) buf_printf(&data, ",\"retry_after_ms\":%lld", (long long)arrival->retry_ms);
    buf_add_char(&data, '}');
    sio_refuse(arrival->socket, err_text(e), buf_str(&data));
    buf_free(&data);
    rights_drop(&arrival->rights);
}

/* Too early: clients try again by themselves, but not after a CONNECT_ERROR. */
static void send_away(struct arrival *arrival)
{
    note_connect(arrival->clients, arrival->socket, &arrival->rights, ERR_UNAVAILABLE);
    sio_hang_up(arrival->socket);
    rights_drop(&arrival->rights);
}

static enum err receive_arrival(struct arrival *arrival)
{
    TRY(identify_arrival(arrival));
    TRY(features_arrive(arrival));
    if (arrival->rights.bearer == NULL) return OK;
    TRY(sio_belongs(arrival->socket, bearer_subject(arrival->rights.bearer)));
    return sio_hold(arrival->socket, bearer_bytes(arrival->rights.bearer)); /* until the socket is closed */
}

void clients_on_connect(void *arg, struct sio_socket *socket, struct str auth)
{
    struct arrival arrival = { .clients = arg, .socket = socket, .auth = auth };
    enum err e = receive_arrival(&arrival);

    if (e == ERR_UNAVAILABLE)
        send_away(&arrival);
    else if (e != OK)
        clients_refuse(&arrival, e);
    else if (!features_resume(&arrival))
        clients_admit(&arrival);
}
