/* directory.h - what other services hear of users. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

struct rpc_server;

/* On the loop: every service that keeps a directory is told that there may be changes. */
void users_announce(struct rpc_server *server);
