/* incoming.c - a packet has come, over whatever transport. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/invariant.h"
#include "services/gateway/engineio/payload.h"
#include "services/gateway/engineio/session_private.h"

static void count_in(struct eio_session *s, size_t bytes)
{
    s->eio->totals.packets_in++;
    s->eio->totals.bytes_in += (int64_t)bytes;
}

void incoming_packet(struct eio_session *s, char type, struct str payload)
{
    count_in(s, 1 + payload.len);
    switch (type) {
    case '1': session_end(s, REASON_CLOSE, false, ""); break;
    case '3': heartbeat_pong(s); break;
    case '4': s->eio->upper.message(s->user, s, false, payload); break;
    case '6': break;
    default: eio_violation(s, "unknown packet type");
    }
    CHECK_STEP(session_check(s));
}

void incoming_binary(struct eio_session *s, struct str bytes)
{
    count_in(s, bytes.len);
    s->eio->upper.message(s->user, s, true, bytes);
    CHECK_STEP(session_check(s));
}

/* Out of the heap and back for each one: thousands fit into one body, and no arena has room for all of them. */
bool incoming_base64(struct eio_session *s, struct str text)
{
    size_t len;
    unsigned char *bytes = mem_alloc(text.len / 4 * 3 + 4);
    bool good = base64_decode(text, bytes, &len);

    if (good) incoming_binary(s, (struct str){ (const char *)bytes, len });
    mem_free(bytes);
    return good;
}
