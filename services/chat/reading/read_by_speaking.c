/* read_by_speaking.c - whoever says something has read up to there: follows from entries, see activity.h. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/db/pg.h"
#include "libshared/wire/columns.h"
#include "services/chat/activity/activity.h"

/* A batch that comes again raises nothing. */
static const char RAISE[] =
    "UPDATE member m SET read_seq = v.seq, read_at = $4 FROM unnest($1::uuid[], $2::text[], $3::bigint[])"
    " AS v (room_id, subject, seq) WHERE m.room_id = v.room_id AND m.subject = v.subject"
    " AND m.read_seq < v.seq";

enum err read_by_speaking(struct call *call, const struct activity_news *news)
{
    const struct feed_voice_list *voices = news->voices;

    if (voices->len == 0) return OK;
    return pg_run(call->pg, call->arena, RAISE,
        PG_ARGS(pg_ids(call->arena, IDS_OF(call->arena, *voices, room)),
            pg_texts(call->arena, TEXTS_OF(call->arena, *voices, sender)),
            pg_ints(call->arena, INTS_OF(call->arena, *voices, seq)), pg_time(call->now)),
        NULL);
}
