/* packet.c - one message, encoded once: the WebSocket header stands ready in front of its payload. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/engineio/session_private.h"

#include "services/gateway/engineio/payload.h"

#include <assert.h>
#include <string.h>

static struct eio_packet *packet_create(bool binary, size_t payload_len)
{
    struct eio_packet *packet = mem_alloc(sizeof *packet + WS_HEADER_MAX + payload_len);
    char header[WS_HEADER_MAX];
    size_t n = ws_frame_header(header, binary, payload_len);
    packet->refs = 1;
    packet->other_encoding = NULL;
    packet->binary = binary;
    packet->header_len = (uint8_t)n;
    packet->payload_len = payload_len;
    memcpy(packet->bytes + WS_HEADER_MAX - n, header, n);
    holdings_add(packet_cost(packet));
    return packet;
}

struct eio_packet *packet_raw(struct str text)
{
    struct eio_packet *packet = packet_create(false, text.len);
    memcpy(packet->bytes + WS_HEADER_MAX, text.at, text.len);
    return packet;
}

struct eio_packet *eio_packet_text_parts(const struct str *parts, size_t n)
{
    size_t len = 1;
    for (size_t i = 0; i < n; i++) len += parts[i].len;
    struct eio_packet *packet = packet_create(false, len);
    char *to = packet->bytes + WS_HEADER_MAX;
    *to++ = '4';
    for (size_t i = 0; i < n; i++) {
        if (parts[i].len > 0) memcpy(to, parts[i].at, parts[i].len);
        to += parts[i].len;
    }
    return packet;
}

struct eio_packet *eio_packet_text(struct str payload)
{
    return eio_packet_text_parts(&payload, 1);
}

struct eio_packet *eio_packet_binary(struct str payload)
{
    struct eio_packet *packet = packet_create(true, payload.len);
    if (payload.len > 0) memcpy(packet->bytes + WS_HEADER_MAX, payload.at, payload.len);
    return packet;
}

struct eio_packet *packet_base64(const struct eio_packet *binary)
{
    struct eio_packet *packet = packet_create(false, 1 + base64_length(binary->payload_len));
    packet->bytes[WS_HEADER_MAX] = 'b';
    base64_encode(packet->bytes + WS_HEADER_MAX + 1, packet_payload(binary));
    return packet;
}

struct eio_packet *eio_packet_take(struct eio_packet *packet)
{
    packet->refs++;
    return packet;
}

void eio_packet_drop(struct eio_packet *packet)
{
    assert(packet->refs > 0);
    if (--packet->refs > 0) return;
    if (packet->other_encoding != NULL) eio_packet_drop(packet->other_encoding);
    holdings_remove(packet_cost(packet));
    mem_free(packet);
}

struct str eio_packet_text_payload(const struct eio_packet *packet)
{
    assert(!packet->binary && packet->payload_len > 0);
    return str_skip(packet_payload(packet), 1);
}

struct str eio_packet_binary_payload(const struct eio_packet *packet)
{
    assert(packet->binary);
    return packet_payload(packet);
}

struct eio_packet *eio_packet_other_encoding(const struct eio_packet *packet)
{
    return packet->other_encoding;
}

void eio_packet_set_other_encoding(struct eio_packet *packet, struct eio_packet *other)
{
    assert(packet->other_encoding == NULL && other->other_encoding == NULL);
    packet->other_encoding = other;
}

size_t eio_packet_bytes(const struct eio_packet *packet)
{
    return packet_frame_length(packet);
}
