/* assembly.h - one binary packet while its attachments arrive. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/holding.h"
#include "services/gateway/socketio/packet.h"

struct sio_assembly {
    struct arena *arena;     /* holds the text, what was read from it, and the attachments */
    struct holding *holding; /* they count there */
    size_t counted;
    struct sio_packet packet;
    struct str parts[SIO_MAX_ATTACHMENTS];
    unsigned n;
    size_t bytes, max_bytes;
};

/* text is a packet that sio_packet_read() has accepted, with attachments to come.  All of it and of them together may
 * have max_bytes.  NULL: the holding has no room for it. */
struct sio_assembly *sio_assembly_create(struct str text, size_t max_bytes, struct holding *holding);
void sio_assembly_destroy(struct sio_assembly **assembly);
bool sio_assembly_may_add(const struct sio_assembly *assembly, size_t bytes); /* false: too many for one packet */
bool sio_assembly_add(struct sio_assembly *assembly, struct str part);        /* false: the holding has no room */
bool sio_assembly_is_whole(const struct sio_assembly *assembly);
