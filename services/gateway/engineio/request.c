/* request.c - who may ask for what: the order of checks, and the errors with their exact texts. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/engineio/session.h"

#include <stdio.h>
#include <string.h>

static const char *const texts[] = {
    "Transport unknown",
    "Session ID unknown",
    "Bad handshake method",
    "Bad request",
    "Forbidden",
    "Unsupported protocol version",
};

const char *eio_error_text(enum eio_error e)
{
    return texts[e];
}

int reply_error(struct http *http, enum eio_error e, const char *text)
{
    char body[200];
    int status = e == EIO_FORBIDDEN ? 403 : 400;
    int n = snprintf(body, sizeof body, "{\"code\":%d,\"message\":\"%s\"}", (int)e, text);
    http_reply(http, status, "application/json", (struct str){ body, (size_t)n }, NULL, 0);
    return status;
}

static const struct eio_transport *transport_named(const struct eio *eio, struct http *http)
{
    struct str name = STR_NONE;
    http_param(http, "transport", &name);
    if (str_is(name, "polling") && eio->polling) return &polling_transport;
    return str_is(name, "websocket") && eio->websocket ? &websocket_transport : NULL;
}

static enum eio_error verify_handshake(
    struct eio *eio, struct http *http, bool upgrade, const struct eio_transport *transport, const char **text)
{
    struct str version = STR_NONE, unused;
    if (!str_is(http_method(http), "GET")) return EIO_METHOD;
    if ((transport == &websocket_transport) != upgrade || http_param(http, "j", &unused)) return EIO_REQUEST;
    const char *forbidden = eio->upper.forbidden != NULL ? eio->upper.forbidden(eio->upper.arg, http) : NULL;
    if (forbidden != NULL) {
        *text = forbidden;
        return EIO_FORBIDDEN;
    }
    http_param(http, "EIO", &version);
    return str_is(version, "4") ? EIO_OK : EIO_VERSION;
}

enum eio_error request_verify(
    struct eio *eio, struct http *http, bool upgrade, struct eio_session **out, const char **text)
{
    const struct eio_transport *transport = transport_named(eio, http);
    struct str sid;
    enum eio_error e = EIO_OK;
    *out = NULL;
    if (transport == NULL) {
        e = EIO_TRANSPORT;
    } else if (!http_param(http, "sid", &sid)) {
        e = verify_handshake(eio, http, upgrade, transport, text);
    } else {
        *out = session_find(eio, sid);
        if (*out == NULL)
            e = EIO_SID;
        else if (upgrade ? transport != &websocket_transport : (*out)->transport != transport && !(*out)->upgrading)
            e = EIO_REQUEST;
        else if (!upgrade && transport != &polling_transport)
            e = EIO_REQUEST;
    }
    if (e != EIO_OK && e != EIO_FORBIDDEN) *text = eio_error_text(e);
    return e;
}
