/*
 * agents.h - what clients call themselves in User-Agent: each text once, however many sessions have it.
 *
 * A session keeps a number of two bytes.  Whoever calls itself something else with each connection finds no room at some
 * point, and then has no agent.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>

#include "libshared/base/str.h"

#define AGENTS_MAX      1000
#define AGENT_CHARS_MAX 200 /* proto/chat.def: connection.agent */

struct agents;

struct agents *agents_create(void);
void agents_destroy(struct agents **agents); /* all of them were dropped */
/* What may be shown of this header.  0: it says nothing, or there is no room for another. */
uint16_t agents_take(struct agents *agents, struct str header);
void agents_drop(struct agents *agents, uint16_t agent);
struct str agents_text(const struct agents *agents, uint16_t agent); /* of 0: STR_NONE */
