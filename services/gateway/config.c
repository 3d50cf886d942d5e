/* config.c - what the settings say to each part: none of them reads settings of its own. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/metrics.h"
#include "services/gateway/gateway.h"

/* 0 is none of it, and else it is never rounded to that. */
static int64_t at_percent(int64_t n, int64_t percent)
{
    return (n * percent + 99) / 100;
}

static void add_lives(struct http_server_metrics *metrics, const char *chains)
{
    struct str rest = str_of(chains);

    for (size_t i = 0; i < CERTIFICATES_MAX && rest.len > 0; i++) {
        struct buf label = BUF(1000);
        metric_label("file", str_trim(str_cut(&rest, ',')), &label);
        metrics->life_left[i] = metric_gauge("madang_gateway_certificate_life_left_percent", label.at,
            "What is left of a certificate's life; below 0: it is over");
        buf_free(&label);
    }
}

static enum proxies_say proxies_say(const char *text)
{
    if (strcmp(text, "forwarded") == 0) return PROXIES_SAY_FORWARDED;
    return strcmp(text, "proxy-protocol") == 0 ? PROXIES_SAY_FIRST : PROXIES_SAY_FORWARDED_FOR;
}

struct http_server_config config_http(const struct settings *from)
{
    const struct settings_gateway *s = &from->gateway;

    struct http_server_config config = {
        .https = s->https,
        .http = s->http,
        .redirect_to = s->plain ? NULL : from->common.public_url,
        .tls_cert = s->tls_cert,
        .tls_key = s->tls_key,
        .certificate_seconds = (double)s->tls_check_s,
        .own_origin = from->common.public_url,
        .hosts = s->hosts,
        .any_host = HEALTH_PATH,
        .origins = s->origins,
        .options = routes_options,
        .refusal_page = error_page_make,
        .trusted_proxies = s->trusted_proxies,
        .proxies_say = proxies_say(s->proxies_say),
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
            .tls_full = metric_counter("madang_gateway_tls_handshakes_total", "kind=\"full\"", "TLS handshakes that ended well"),
            .tls_resumed = metric_counter("madang_gateway_tls_handshakes_total", "kind=\"resumed\"", "TLS handshakes that ended well"),
        },
    };
    if (s->https[0] != '\0') add_lives(&config.metrics, s->tls_cert);
    return config;
}

struct site_config config_site(const struct settings *from)
{
    const struct settings_gateway *s = &from->gateway;

    return (struct site_config){
        .dir = s->static_dir,
        .fallback = s->static_fallback,
        .immutable = s->static_immutable,
        .policy = s->static_policy,
        .bytes_max = (size_t)s->static_bytes,
        .check_seconds = (double)s->static_check_s,
        .acme_dir = s->acme_dir,
        .page = s->page,
        .demo = from->common.demo,
        .home_url = s->home_url,
        .contact = s->security_contact,
        .public_url = from->common.public_url,
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

struct viewers_config config_viewers(const struct gateway *gateway)
{
    const struct settings_gateway *s = &gateway->settings->gateway;

    return (struct viewers_config){ .share = gateway->service[SERVICE_share],
        .rates = gateway->routes.rates,
        .max = (size_t)s->viewers_max,
        .per_link = (size_t)s->viewers_per_link,
        .per_address = (size_t)s->viewers_per_address };
}
