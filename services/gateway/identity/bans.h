/*
 * bans.h - who is let in nowhere: networks, subjects, API keys.
 *
 * An address is looked up once for each length of prefix that some ban has, in a table: what it costs is that, and not the
 * number of bans.  One that has ended by itself is forgotten when it is met.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/records.h"

struct bans;
struct in6_addr;

struct bans *bans_create(void);
void bans_destroy(struct bans **bans);
void bans_set(struct bans *bans, const struct trust_ban *ban); /* as it is from now on */
/* Of an address alone.  bans NULL, here and below: nobody is. */
bool bans_have_address(struct bans *bans, const struct in6_addr *address);
/* Any of the three; what is empty, or no address, is not banned. */
bool bans_have(struct bans *bans, struct str subject, struct str key, struct str address);
