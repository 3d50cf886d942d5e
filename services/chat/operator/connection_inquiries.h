/*
 * connection_inquiries.h - who is connected, asked of all gateways at once, for an operator.
 *
 *      connection.list, connection.show --> connection.asked to each gateway --> connection.report of each --> one page
 *      connection.end --> is there any? --> its entry for the audit, committed --> connection.asked, and they end
 *
 * Nothing of it is kept here: a gateway that is killed has no connections in the next answer.  One that does not report in
 * time is named in the answer.  Ids grow with the time at which connections began, at each gateway, and so a page is what is
 * behind an id: who comes meanwhile is on no later page, and nobody is on two.
 *
 * Loop thread only.  docs/why/0120-what-is-in-others-memory-is-written-down-first.md
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/rpc/rpc_server.h"

struct chat;
struct connection_inquiries;

struct connection_inquiries *connection_inquiries_create(const struct chat *chat);
void connection_inquiries_destroy(struct connection_inquiries **inquiries);
void connection_inquiries_forget_peer(const struct chat *chat, const struct rpc_peer *peer);
