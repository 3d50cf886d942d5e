/* moderation_follow.c - what who moderates a room did to messages is in the audit, once: it follows from entries, see activity.h. */
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include <openssl/sha.h>

#include "libshared/jobs/deeds.h"
#include "services/chat/activity/activity.h"
#include "services/chat/chat.h"

/* Always the same of one entry: a database that is set back makes no second one of it. */
static struct id deed_id(const struct message *entry)
{
    unsigned char said[sizeof entry->room.b + sizeof entry->seq], hash[SHA256_DIGEST_LENGTH];
    struct id id;

    memcpy(said, entry->room.b, sizeof entry->room.b);
    memcpy(said + sizeof entry->room.b, &entry->seq, sizeof entry->seq);
    SHA256(said, sizeof said, hash);
    memcpy(id.b, hash, sizeof id.b);
    return id;
}

/* By who sent the entry, and not by the store, which calls. */
static enum err note_deed(struct call *call, const struct message *entry)
{
    const struct principal who = { .sub = entry->sender };
    const struct withheld_deed deed = { .room = entry->room, .seq = entry->target, .reason = entry->body };
    char room[ID_TEXT_BYTES + 1];
    struct call as = *call;

    as.who = &who;
    id_format(entry->room, room);
    return deed_put_once(&as, &audit_tell_job, deed_id(entry),
        str_is(entry->kind, "message:release") ? "message.release" : "message.withhold", str_of(room),
        withheld_deed_shape(), &deed);
}

enum err moderation_follow(struct call *call, const struct activity_news *news)
{
    for (size_t i = 0; i < news->n; i++)
        for (size_t k = 0; k < news->rooms[i].n; k++) {
            const struct message *entry = &news->rooms[i].entries[k];
            if (str_is(entry->kind, "message:withhold") || str_is(entry->kind, "message:release"))
                TRY(note_deed(call, entry));
        }
    return OK;
}
