/* announcements.c - a table of them by id. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/identity/announcements.h"

#include <string.h>

#include "libshared/base/log.h"
#include "libshared/base/table.h"

#define ENTRIES_MAX    2000
#define ALERT_MS       3600000
#define JSON_BYTES_MAX 16384

struct kept_announcement {
    struct announcement is;
    UT_hash_handle hh;
    char json[];
};

struct announcements {
    struct kept_announcement *table;
};

struct announcements *announcements_create(void)
{
    return mem_zero(sizeof(struct announcements));
}

static void remove_entry(struct announcements *all, struct kept_announcement *entry)
{
    HASH_DEL(all->table, entry);
    mem_free(entry);
}

void announcements_destroy(struct announcements **announcements)
{
    if (*announcements == NULL) return;
    while ((*announcements)->table != NULL) remove_entry(*announcements, (*announcements)->table);
    mem_free(*announcements);
    *announcements = NULL;
}

static struct kept_announcement *find_entry(const struct announcements *all, struct id id)
{
    struct kept_announcement *entry;

    HASH_FIND(hh, all->table, id.b, sizeof id.b, entry);
    return entry;
}

static void set_entry(
    struct announcements *all, struct announcement is, const struct wire_shape *shape, const void *record)
{
    struct kept_announcement *entry = find_entry(all, is.id);
    struct buf json = BUF(JSON_BYTES_MAX);

    if (entry != NULL) remove_entry(all, entry);
    if (record != NULL && wire_write_json(shape, record, &json) == OK && HASH_COUNT(all->table) < ENTRIES_MAX) {
        entry = mem_zero(sizeof *entry + json.len);
        memcpy(entry->json, json.at, json.len);
        is.json = (struct str){ entry->json, json.len };
        entry->is = is;
        HASH_ADD(hh, all->table, is.id.b, sizeof entry->is.id.b, entry);
    } else if (record != NULL) {
        LOG_BOUNDED(WARN, "gateway.announcement_left_out", F_ID("id", is.id));
    }
    buf_free(&json);
}

void announcements_set_notice(struct announcements *announcements, const struct trust_notice *notice)
{
    struct notice said = { .id = notice->id, .text = notice->text, .at = notice->at, .until = notice->until };

    set_entry(announcements, (struct announcement){ .id = notice->id, .version = 1, .until = notice->until },
        notice_shape(), notice->text.len > 0 ? &said : NULL);
}

void announcements_set_alert(struct announcements *announcements, const struct alert *alert, int64_t now)
{
    set_entry(announcements,
        (struct announcement){ .is_alert = true,
            .id = alert->id,
            .version = alert->over_at != 0 ? -alert->times : alert->times,
            .until = now + ALERT_MS },
        alert_shape(), alert);
}

void announcements_forget(struct announcements *announcements, int64_t now)
{
    struct kept_announcement *entry, *next;

    HASH_ITER(hh, announcements->table, entry, next)
        if (entry->is.until <= now) remove_entry(announcements, entry);
}

const struct announcement *announcements_find(const struct announcements *announcements, struct id id)
{
    const struct kept_announcement *entry = find_entry(announcements, id);

    return entry != NULL ? &entry->is : NULL;
}

void announcements_each(const struct announcements *announcements,
    void (*visit)(void *arg, const struct announcement *announcement), void *arg)
{
    for (const struct kept_announcement *entry = announcements->table; entry != NULL; entry = entry->hh.next)
        visit(arg, &entry->is);
}
