/* newcomer.c - somebody new, or somebody who was here and has to begin anew. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/secret.h"
#include "services/gateway/recovery/identity.h"
#include "services/gateway/recovery/recovery_inside.h"

/* A pid is offered even while Redis is away: the record follows when it is back. */
void newcomer_enter(struct recovery *recovery, const struct visit *visit)
{
    unsigned char hash[SHELF_HASH_BYTES];
    char pid[IDENTITY_PID_CHARS + 1];

    secret_text(pid, IDENTITY_PID_CHARS);
    shelf_hash(str_of(pid), hash);
    struct client *client = clients_enter(visit->clients, visit->socket, visit->rights, visit->auth, NULL, pid);
    guest_track(&client->guest, offset_next_epoch(visit->offset), 0);
    lifeline_save(lifeline_begin(recovery, client, hash), NULL, NULL);
}
