/*
 * own.h - what becomes another of somebody's rooms is told to each socket of theirs, whether it joined them or not.
 *
 *      own.changed --noted: the room, for a subject with sockets here--> due --a while later, own.rooms--> told, as the rooms are then
 *      told nothing for a while (chat was away, a socket was slow or lost) --own.since--> noted
 *
 * What the store says of messages that wait for their time (scheduled.changed) and of drafts (draft.changed) is told at once, to who is not slow.
 *
 * However much happens, a subject is asked about once in PERIOD_S, and then for all of its rooms that changed; and of all subjects
 * ASKING_MAX at a time: the busier chat is, the more one event stands for.  What is told is as the rooms are when chat answers: so an
 * event may come twice and stand for nothing new, and the last one is right.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>
#include <stdint.h>

struct ev_loop;
struct own_stream;
struct service_pipes;

/* Of 20 bytes. */
#define OWN_PLACES_MAX (1u << 20)

/* away_ms: so long a connection may be lost and taken up again.  places_max: so many rooms are noted, of all subjects together, with one
 * more doubling of a subject's; what there is no place for is asked for by time. */
struct own_stream *own_create(
    struct ev_loop *loop, const struct service_pipes *chat, int64_t away_ms, size_t places_max);
