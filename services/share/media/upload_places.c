/* upload_places.c - how many uploads there may be at once, and which one gives way to whom. */
// SPDX-License-Identifier: Apache-2.0
#include <assert.h>
#include <sys/resource.h>

#include "services/share/media/uploads_private.h"

/* A process has so many files open, or half of what it may have if that is less, and one subject an eighth of them.  As many as
 * that may be on their way out besides. */
#define UPLOADS_MAX 1024

size_t uploads_count_places(void)
{
    struct rlimit limit;
    bool is_short = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur / 2 < UPLOADS_MAX;

    return is_short ? (size_t)limit.rlim_cur / 2 : UPLOADS_MAX;
}

void upload_leave_place(struct upload *upload)
{
    struct uploads *uploads = upload->uploads;

    if (!place_is_taken(&upload->place)) return;
    place_leave(&uploads->places, &upload->place);
    assert(uploads->n_placed > 0);
    uploads->n_placed--;
}

/* The newest upload of a holder: it loses least. */
static struct upload *newest_of(const struct uploads *uploads, const struct place_holder *holder, enum place_by by)
{
    struct upload *newest = NULL;

    for (struct upload *upload = uploads->all; upload != NULL; upload = upload->hh.next)
        if (upload->place.of[by] == holder && (upload->state == UPLOAD_OPEN || upload->state == UPLOAD_WRITES))
            newest = upload;
    return newest;
}

/* A new upload for which there is no place takes one from the subject that has most, if that has two more than its own, else from
 * the address that has. */
static struct upload *find_who_gives_way(const struct uploads *uploads, const struct place *to)
{
    struct upload *upload = NULL;

    for (int by = 0; by < PLACE_BY_COUNT && upload == NULL; by++) {
        const struct place_holder *most = places_most(&uploads->places, to, (enum place_by)by);
        if (most != NULL) upload = newest_of(uploads, most, (enum place_by)by);
    }
    return upload;
}

bool uploads_take_place(struct uploads *uploads, const struct principal *who, struct place *out)
{
    if (places_count(&uploads->places, PLACE_OF_SUBJECT, who->sub) >= uploads->n_places / 8) return false;
    if (HASH_COUNT(uploads->all) >= uploads->n_places + uploads->n_places / 8) return false;
    *out = place_take(&uploads->places, who->sub, who->address);
    uploads->n_placed++;
    if (uploads->n_placed <= uploads->n_places) return true;
    struct upload *other = find_who_gives_way(uploads, out);
    if (other != NULL) {
        LOG_BOUNDED(INFO, "share.upload_gave_way", F_STR("subject", other->owner), F_STR("to", who->sub));
        upload_give_up(other);
        return true;
    }
    place_leave(&uploads->places, out);
    uploads->n_placed--;
    return false;
}
