/*
 * rerun.h - the echo of the conformance configuration, taken up again: what a socket was sent is its own log.
 *
 * As recovery.h has it, but there are no rooms and no store: each event that a socket is sent is numbered, kept in Redis
 * beside its record, and sent again from there.  The offset is a number with room number 0.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/recovery/recovery.h"

#include "services/gateway/features.h"

struct reruns;

struct reruns *reruns_create(
    struct ev_loop *loop, const struct recovery_config *config); /* NULL: the config wants none */
