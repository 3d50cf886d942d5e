/* upgrade.c - from HTTP to WebSocket: the opening handshake (RFC 6455 4.2). */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/http/http_private.h"
#include "libshared/http/websocket/ws_deflate.h"
#include "libshared/http/ws_private.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>
#include <strings.h>

#define GUID      "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define KEY_CHARS 24

bool upgrade_is_asked(const struct http *http)
{
    const struct http_head *head = &http->head;
    return str_is(head->method, "GET") && head->minor > 0 && !head->chunked && head->content_length <= 0 &&
           head->upgrade && head->websocket;
}

static void refuse_upgrade(struct http *http, int status, const char *more, struct str body)
{
    struct str head = arena_printf(http->arena, "HTTP/1.1 %d %s\r\nConnection: close\r\nContent-type: text/html\r\n%s",
        status, http_status_text(status), more);
    http_raw(http->conn, head.at, body);
}

/* Sixteen bytes in base64: 22 characters that matter, and two that fill up. */
static bool is_key(struct str key)
{
    unsigned char bytes[KEY_CHARS];
    return key.len == KEY_CHARS && key.at[21] != '=' && key.at[22] == '=' && key.at[23] == '=' &&
           EVP_DecodeBlock(bytes, (const unsigned char *)key.at, KEY_CHARS) == 18;
}

/* Pages elsewhere may not open sockets here with their visitors' cookies. */
static bool origin_is_welcome(struct http *http)
{
    struct str origin = http_header(http, "origin");
    return origin.at == NULL || origins_allow(http->conn->server->origins, origin) ||
           origin_is_host(origin, http_header(http, "host"));
}

static bool handshake_is_good(struct http *http)
{
    struct str version = http_header(http, "sec-websocket-version");
    if (version.at == NULL || !is_key(http_header(http, "sec-websocket-key"))) {
        refuse_upgrade(http, 400, "", STR("Bad request"));
        return false;
    }
    if (!str_is(version, "13")) {
        refuse_upgrade(http, 426, "Sec-WebSocket-Version: 13\r\n", STR("Upgrade Required"));
        return false;
    }
    if (!origin_is_welcome(http)) {
        refuse_upgrade(http, 403, "", STR("Forbidden"));
        return false;
    }
    return true;
}

static void digest_key(struct str key, char out[29])
{
    unsigned char hash[SHA_DIGEST_LENGTH];
    char text[KEY_CHARS + sizeof GUID];
    memcpy(text, key.at, KEY_CHARS);
    memcpy(text + KEY_CHARS, GUID, sizeof GUID);
    SHA1((const unsigned char *)text, KEY_CHARS + sizeof GUID - 1, hash);
    EVP_EncodeBlock((unsigned char *)out, hash, sizeof hash);
}

static void switch_protocols(struct http *http)
{
    struct conn *conn = http->conn;
    char accept[29];
    bool deflate = conn->server->config.deflate && ws_deflate_is_offered(http_header(http, "sec-websocket-extensions"));
    digest_key(http_header(http, "sec-websocket-key"), accept);
    buf_printf(&conn->out,
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: %s\r\n%s\r\n",
        accept, deflate ? WS_DEFLATE_ANSWER : "");
    const struct ws_handler *handler = http->mount->handler->ws;
    handler->open(http->mount->arg, ws_begin(conn, handler, http->mount->arg, deflate), http);
    conn_touch(conn);
}

bool upgrade_answer(struct http *http)
{
    struct str body = STR("Not found");
    if (!handshake_is_good(http)) return false;
    http->mount = http_mount_find(http->conn->server, http->head.path);
    bool has_sockets = http->mount != NULL && http->mount->handler->ws != NULL;
    int status = has_sockets ? http->mount->handler->ws->accept(http->mount->arg, http, &body) : 404;
    if (status != 0)
        refuse_upgrade(http, status, "", body);
    else
        switch_protocols(http);
    return status == 0;
}
