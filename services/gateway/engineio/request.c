/* request.c - which requests are taken: the order of checks, and the errors with their exact texts. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/engineio/session_private.h"

#include <assert.h>
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

static struct str error_body(char *at, size_t room, enum eio_error e, const char *text)
{
    int n = snprintf(at, room, "{\"code\":%d,\"message\":\"%s\"}", (int)e, text);
    assert(n > 0 && (size_t)n < room);
    return (struct str){ at, (size_t)n };
}

int reply_error(struct http *http, enum eio_error e, const char *text)
{
    char body[200];
    int status = e == EIO_FORBIDDEN ? 403 : 400;
    http_reply(http, status, "application/json", error_body(body, sizeof body, e, text), NULL, 0);
    return status;
}

void request_refuse(struct eio_request *request, enum eio_error e)
{
    char body[200];
    int status = e == EIO_FORBIDDEN ? 403 : 400;
    struct eio_answer answer = { status, "application/json", error_body(body, sizeof body, e, texts[e]), false };
    request->answer(request, &answer);
}

static const struct eio_transport *transport_named(const struct eio *eio, struct http *http)
{
    struct str name = STR_NONE;
    http_param(http, "transport", &name);
    if (str_is(name, "polling") && eio->polling) return &polling_transport;
    return str_is(name, "websocket") && eio->websocket ? &websocket_transport : NULL;
}

static bool speaks_our_version(struct http *http)
{
    struct str version = STR_NONE;
    http_param(http, "EIO", &version);
    return str_is(version, "4");
}

static enum eio_error verify_handshake(
    struct eio *eio, struct http *http, bool upgrade, const struct eio_transport *transport, const char **text)
{
    struct str unused;
    if (!str_is(http_method(http), "GET")) return EIO_METHOD;
    if ((transport == &websocket_transport) != upgrade || http_param(http, "j", &unused)) return EIO_REQUEST;
    const char *forbidden = eio->upper.forbidden != NULL ? eio->upper.forbidden(eio->upper.arg, http) : NULL;
    if (forbidden == NULL && (session_is_one_too_many(eio) || session_has_no_room(eio, http)))
        forbidden = "Too many sessions";
    if (forbidden != NULL) {
        *text = forbidden;
        return EIO_FORBIDDEN;
    }
    return speaks_our_version(http) ? EIO_OK : EIO_VERSION;
}

void eio_refuse_sid(struct http *http)
{
    reply_error(http, EIO_SID, texts[EIO_SID]);
}

/* A session is of one version to its end, here or at another gateway. */
static enum eio_error verify_version(struct http *http, enum eio_error e, struct str sid)
{
    bool goes_on = e == EIO_OK || (e == EIO_SID && sid.len == EIO_SID_CHARS);
    return goes_on && !speaks_our_version(http) ? EIO_VERSION : e;
}

static enum eio_error verify_session(
    struct eio_session *s, struct str address, bool upgrade, const struct eio_transport *transport)
{
    bool fits = upgrade ? transport == &websocket_transport
                        : transport == &polling_transport && (s->transport == transport || s->upgrading != NULL);
    if (!fits) return EIO_REQUEST;
    return session_admits(s, address) ? EIO_OK : EIO_FORBIDDEN;
}

enum eio_error request_verify_poll(struct eio *eio, struct str sid, struct str address, struct eio_session **out)
{
    *out = session_find(eio, sid);
    if (!eio->polling) return EIO_TRANSPORT;
    return *out == NULL ? EIO_SID : verify_session(*out, address, false, &polling_transport);
}

enum eio_error request_verify(
    struct eio *eio, struct http *http, bool upgrade, struct eio_session **out, struct str *sid, const char **text)
{
    const struct eio_transport *transport = transport_named(eio, http);
    enum eio_error e = EIO_SID;
    *out = NULL;
    *sid = STR_NONE;
    *text = texts[EIO_FORBIDDEN];
    if (transport == NULL)
        e = EIO_TRANSPORT;
    else if (!http_param(http, "sid", sid))
        e = verify_handshake(eio, http, upgrade, transport, text);
    else if ((*out = session_find(eio, *sid)) != NULL)
        e = verify_session(*out, http_address(http), upgrade, transport);
    else if ((transport == &websocket_transport) != upgrade)
        *sid = STR_NONE; /* wrong with any session */
    if (sid->at != NULL) e = verify_version(http, e, *sid);
    if (e != EIO_OK && e != EIO_FORBIDDEN) *text = eio_error_text(e);
    return e;
}
