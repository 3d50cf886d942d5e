/* config.c - what the settings say to each part: none of them reads settings of its own. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/metrics.h"
#include "services/gateway/gateway.h"

/* 0 is none of it, and else it is never rounded to that. */
static int64_t at_percent(int64_t n, int64_t percent)
{
    return (n * percent + 99) / 100;
}

struct http_server_config config_http(const struct settings *from)
{
    const struct settings_gateway *s = &from->gateway;

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
        .connects_per_s = at_percent(s->connects_per_s, s->rate_percent),
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
            .full_shares = metric_counter("madang_gateway_strangers_waited_total", NULL, "Turns of the loop after which clients without an identity waited for their share of the next"),
        },
    };
}

struct eio_config config_eio(const struct settings *from)
{
    const struct settings_gateway *s = &from->gateway;

    return (struct eio_config){
        .transports = s->transports,
        .ping_interval_ms = s->ping_interval_ms,
        .ping_timeout_ms = s->ping_timeout_ms,
        .upgrade_timeout_ms = s->upgrade_timeout_ms,
        .connect_timeout_ms = s->connect_timeout_ms,
        .max_payload = s->max_payload,
        .connections_max = s->connections_max,
        .connections_per_address = s->connections_per_address,
        .queue_bytes = s->queue_bytes,
        .slow_ms = s->slow_ms,
        .rate_percent = s->rate_percent,
        .packets_per_s = s->packets_per_s,
        .bytes_per_s = s->bytes_per_s,
        .stranger_packets = s->stranger_packets,
        .stranger_bytes = s->stranger_bytes,
    };
}

struct sio_config config_sio(const struct settings *from)
{
    return (
        struct sio_config){ .max_payload = from->gateway.max_payload, .rooms_max = from->gateway.recovery_rooms_max };
}

struct interop_config config_interop(const struct settings *from)
{
    const struct settings_gateway *s = &from->gateway;

    return (struct interop_config){
        .has_emitter = s->emitter,
        .redis_url = from->common.redis_url,
        .emitter_key = s->emitter_key,
        .max_payload = s->max_payload,
        .name = s->name,
        .admin_user = s->admin_user,
        .admin_password = s->admin_password_hash,
    };
}

struct recovery_config config_recovery(const struct settings *from)
{
    const struct settings_gateway *s = &from->gateway;
    const struct interop_config interop = config_interop(from);

    return (struct recovery_config){
        .redis_url = from->common.redis_url,
        .key_dir = from->common.key_dir,
        .recovery_ms = s->recovery_ms,
        .rooms_max = s->recovery_rooms_max,
        .socket_rooms_max = s->socket_rooms_max,
        .max_payload = s->max_payload,
        .queue_bytes = s->queue_bytes,
        .pending_max = s->pending_max,
        .connect_timeout_ms = s->connect_timeout_ms,
        .has_names = interop_is_wanted(&interop),
    };
}

struct mesh_config config_mesh(const struct settings *from)
{
    const struct settings_gateway *s = &from->gateway;

    return (struct mesh_config){
        .endpoint = s->mesh,
        .bind = *s->mesh_bind != '\0' ? s->mesh_bind : s->mesh,
        .key_dir = from->common.key_dir,
        .pending_max = s->pending_max,
        .max_payload = s->max_payload,
    };
}
