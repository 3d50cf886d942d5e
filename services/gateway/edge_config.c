/* edge_config.c - what the settings say of the edge, for the HTTP server. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/metrics.h"
#include "libshared/service/settings.h"
#include "services/gateway/gateway.h"

struct http_server_config edge_config(void)
{
    const struct settings_gateway *s = &settings.gateway;

    return (struct http_server_config){
        .https = s->https,
        .http = s->http,
        .redirect_to = s->plain ? NULL : s->public_url,
        .tls_cert = s->tls_cert,
        .tls_key = s->tls_key,
        .origins = s->origins,
        .trusted_proxies = s->trusted_proxies,
        .connections_max = s->connections_max,
        .connections_per_address = s->connections_per_address,
        .body_max = (size_t)s->max_payload,
        .message_max = (size_t)s->max_payload,
        .compress = s->compress_http,
        .deflate = s->deflate,
        .metrics = {
            .connections = metric_gauge("madang_gateway_connections", NULL, "Open client connections"),
            .accepted = metric_counter("madang_gateway_connections_accepted_total", NULL, "Connections taken"),
            .refused = metric_counter("madang_gateway_connections_refused_total", NULL, "Connections over a limit"),
            .bytes_in = metric_counter("madang_gateway_received_bytes_total", NULL, "Bytes from clients, inside TLS"),
            .bytes_out = metric_counter("madang_gateway_sent_bytes_total", NULL, "Bytes to clients, inside TLS"),
        },
    };
}
