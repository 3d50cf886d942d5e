/*
 * system.h - what is said in /system: notices to everybody who is there, and to who comes while they hold; alerts to those
 * whose policy lets them list alerts.
 *
 *      the trust changed --what is new--> said, to some sockets in each turn of the loop
 *
 * A socket hears each once, in their order; one that comes, or comes back, hears the notices that hold.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

struct ev_loop;
struct system;
struct trusted;

struct system *system_create(struct ev_loop *loop, const struct trusted *trusted);
void system_obey(struct system *system); /* what is trusted has changed */
