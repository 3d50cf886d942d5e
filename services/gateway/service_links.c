/* service_links.c - the gateway's pipes to the services. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/log.h"
#include "services/gateway/gateway.h"

/* clang-format off */
static const char *const names[] = {
#define SERVICE(name, place, parts, doc) #name,
#include "proto/begin.def"
#include "proto/services.def"
#include "proto/end.def"
};
/* clang-format on */

static bool is_directory(struct service_part part)
{
    return part.service == SERVICE_chat && part.index == 0;
}

static void on_up(void *arg, struct id instance)
{
    struct service_link *link = arg;
    struct gateway *gateway = link->gateway;

    (void)instance;
    link->was_up = true;
    if (link->part.service == SERVICE_auth) freshness_ask(gateway);
    if (is_directory(link->part)) mesh_directory_up(gateway->mesh, &gateway->directory);
    if (link->part.service == SERVICE_share && gateway->viewers != NULL) viewers_share_up(gateway->viewers);
    clients_service_up(gateway->clients, link->part);
}

static void on_pipe_event(void *arg, const struct frame_event *head, struct str body)
{
    struct service_link *link = arg;
    struct gateway *gateway = link->gateway;

    if (link->part.service == SERVICE_auth && str_is(head->name, "resync"))
        trusted_ask(gateway->trusted, gateway->service[SERVICE_auth]);
    else if (link->part.service == SERVICE_auth)
        trusted_event(gateway->trusted, gateway->service[SERVICE_auth], head, body);
    else if (link->part.service == SERVICE_chat && str_is(head->name, "gateway.changed"))
        mesh_gateways_changed(gateway->mesh, body);
    else if (link->part.service == SERVICE_share && gateway->viewers != NULL)
        viewers_share_event(gateway->viewers, head, body);
    else
        clients_service_event(gateway->clients, link->part, head, body);
}

static void on_all_trust_changed(struct gateway *gateway)
{
    LOG(INFO, "gateway.trust_changed", F_INT("position", trusted_position(gateway->trusted)),
        F_INT("sockets", clients_count(gateway->clients)));
    rates_change(gateway->routes.rates, trusted_limits(gateway->trusted));
    bearers_forget(gateway->bearers);
    api_key_tokens_recheck(gateway->routes.api_key_tokens);
    clients_review(gateway->clients);
    system_obey(gateway->system);
}

/* Limits are looked up where they are, and policies with each socket that asks. */
static void on_trust_changed(void *arg, const struct trust *page)
{
    struct gateway *gateway = arg;

    if (page == NULL) {
        on_all_trust_changed(gateway);
        return;
    }
    if (page->keys.len > 0) bearers_forget(gateway->bearers);
    if (page->api_keys.len > 0) api_key_tokens_recheck(gateway->routes.api_key_tokens);
    size_t n = clients_obey(gateway->clients, page);
    if (page->notices.len + page->alerts.len > 0) system_obey(gateway->system);
    LOG(INFO, "gateway.trust_changed", F_INT("position", page->position), F_INT("sockets", n));
}

static void on_trust_asked(void *arg)
{
    freshness_is_there(arg);
}

static struct rpc_client *connect_to(struct gateway *gateway, struct service_part part, const char *endpoint)
{
    struct service_link *link = &gateway->links[part.service][part.index];

    *link = (struct service_link){ .gateway = gateway, .part = part };
    return rpc_client_create(gateway->loop, &(struct rpc_client_config){ .self = "gateway",
                                                .service = names[part.service],
                                                .endpoint = endpoint,
                                                .key_dir = gateway->settings->common.key_dir,
                                                .budget_ms = gateway->settings->common.call_budget_ms,
                                                .pending_max = (size_t)gateway->settings->gateway.pending_max,
                                                .up = on_up,
                                                .event = on_pipe_event,
                                                .arg = link });
}

static void connect_to_all(struct gateway *gateway, enum peer_service service)
{
    const struct endpoint_list *endpoints = settings_endpoints(gateway->settings, str_of(names[service]));
    struct service_pipes *pipes = &gateway->pipes[service];

    pipes->n = endpoints->n;
    for (size_t i = 0; i < pipes->n; i++)
        pipes->at[i] = connect_to(gateway, (struct service_part){ service, i, pipes->n }, endpoints->at[i]);
    gateway->service[service] = pipes;
}

void service_links_connect(struct gateway *gateway)
{
    gateway->trusted = trusted_create(gateway->loop, on_trust_changed, on_trust_asked, gateway);
    gateway->bearers = bearers_create(gateway->trusted);
    for (int i = 0; i < SERVICE_COUNT; i++)
        if (gateway->kind->has_service[i]) connect_to_all(gateway, (enum peer_service)i);
    gateway->directory = (struct service_pipes){ 1, { gateway->pipes[SERVICE_chat].at[0] } };
}

void service_links_disconnect(struct gateway *gateway)
{
    for (int i = 0; i < SERVICE_COUNT; i++)
        for (size_t part = 0; part < gateway->pipes[i].n; part++) rpc_client_destroy(&gateway->pipes[i].at[part]);
    bearers_destroy(&gateway->bearers);
    rates_change(gateway->routes.rates, NULL);
    trusted_destroy(&gateway->trusted);
}

static bool was_reached(const struct gateway *gateway, int service)
{
    for (size_t part = 0; part < gateway->pipes[service].n; part++)
        if (!gateway->links[service][part].was_up) return false;
    return true;
}

/* A service that went away later is no reason to send clients elsewhere: it is away for all gateways. */
bool service_links_ready(const struct gateway *gateway, struct buf *why)
{
    for (int i = 0; i < SERVICE_COUNT; i++)
        if (!was_reached(gateway, i)) {
            buf_printf(why, "%s has not been reached", names[i]);
            return false;
        }
    if (gateway->service[SERVICE_auth] != NULL && !trusted_is_known(gateway->trusted)) {
        buf_add_str(why, STR("auth has not said whom to trust"));
        return false;
    }
    return true;
}
