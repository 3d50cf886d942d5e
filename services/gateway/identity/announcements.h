/*
 * announcements.h - what auth has said to everybody, and to administrators: notices while they hold, alerts of the last hour.
 *
 * The table is bounded: auth has 20 notices at a time and, of each kind, as many alerts as its row says.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/records.h"

struct announcements;
struct announcement {
    bool is_alert;
    struct id id;
    int64_t version; /* of an alert how often it came, and whether it is over; another is told again */
    int64_t until;
    struct str json;
};

struct announcements *announcements_create(void);
void announcements_destroy(struct announcements **announcements);
/* As they are from now on. */
void announcements_set_notice(struct announcements *announcements, const struct trust_notice *notice);
void announcements_set_alert(struct announcements *announcements, const struct alert *alert, int64_t now);
void announcements_forget(struct announcements *announcements, int64_t now); /* what is over */
/* NULL: there is none. */
const struct announcement *announcements_find(const struct announcements *announcements, struct id id);
void announcements_each(const struct announcements *announcements,
    void (*visit)(void *arg, const struct announcement *announcement), void *arg);
