/* record.c - a socket's record as JSON. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/recovery/record.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "services/gateway/rooms/offset.h"

bool record_is_over(const char *reason)
{
    return strstr(reason, "namespace disconnect") != NULL || strcmp(reason, "parse error") == 0;
}

size_t record_names_bytes(const struct str *names, size_t n)
{
    size_t bytes = 0;

    for (size_t i = 0; i < n; i++) bytes += names[i].len;
    return bytes;
}

static json_t *text_of(struct str s)
{
    return json_stringn(s.len > 0 ? s.at : "", s.len);
}

static json_t *pack_mark(const struct guest_mark *mark)
{
    char room[ID_TEXT_BYTES + 1];

    id_format(mark->room, room);
    return json_pack("[s, I, I]", room, (json_int_t)mark->mark, (json_int_t)mark->base);
}

static json_t *pack_names(const struct record *record)
{
    json_t *names = json_array();

    for (size_t i = 0; i < record->n_names; i++) json_array_append_new(names, text_of(record->names[i]));
    return names;
}

void record_write(const struct record *record, struct buf *out)
{
    json_t *marks = json_array();

    for (size_t i = 0; i < record->n; i++) json_array_append_new(marks, pack_mark(&record->marks[i]));
    json_t *json = json_pack("{s:o, s:o, s:o, s:o, s:I, s:b, s:o, s:o}", "nsp", text_of(record->nsp), "sub",
        text_of(record->subject), "sid", text_of(record->sid), "epoch", text_of((struct str){ &record->epoch, 1 }),
        "next", (json_int_t)record->next_mark, "replayed", record->replayed, "rooms", marks, "names",
        pack_names(record));
    assert(json != NULL);
    char *text = json_dumps(json, JSON_COMPACT);
    buf_add_str(out, str_of(text));
    free(text);
    json_decref(json);
}

static bool read_mark(const json_t *json, struct guest_mark *out)
{
    const json_t *room = json_array_get(json, 0), *mark = json_array_get(json, 1), *base = json_array_get(json, 2);

    if (!json_is_integer(mark) || !json_is_integer(base) || json_integer_value(base) < 0) return false;
    out->mark = (uint32_t)json_integer_value(mark);
    out->base = json_integer_value(base);
    return json_is_string(room) && id_parse(str_of(json_string_value(room)), &out->room);
}

static bool read_marks(const json_t *json, struct arena *arena, struct record *out)
{
    size_t n = json_array_size(json);

    if (!json_is_array(json) || n > OFFSET_ROOMS_MAX) return false;
    out->marks = arena_zero(arena, (n + 1) * sizeof *out->marks);
    for (; out->n < n; out->n++)
        if (!read_mark(json_array_get(json, out->n), &out->marks[out->n])) return false;
    return true;
}

static bool read_names(const json_t *json, struct arena *arena, struct record *out)
{
    size_t n = json_array_size(json);

    if (n > OFFSET_ROOMS_MAX) return false;
    struct str *names = arena_zero(arena, (n + 1) * sizeof *names);
    for (size_t i = 0; i < n; i++) {
        const json_t *name = json_array_get(json, i);
        if (!json_is_string(name)) return false;
        names[i] = arena_str(arena, (struct str){ json_string_value(name), json_string_length(name) });
    }
    out->names = names;
    out->n_names = n;
    return true;
}

static struct str text_at(const json_t *json, const char *name, struct arena *arena)
{
    return arena_str(arena, str_of(json_string_value(json_object_get(json, name))));
}

static bool read_all(const json_t *json, struct arena *arena, struct record *out)
{
    struct str epoch = text_at(json, "epoch", arena);

    out->nsp = text_at(json, "nsp", arena);
    out->subject = text_at(json, "sub", arena);
    out->sid = text_at(json, "sid", arena);
    out->next_mark = (uint32_t)json_integer_value(json_object_get(json, "next"));
    out->replayed = json_is_true(json_object_get(json, "replayed"));
    if (epoch.len != 1 || out->sid.len != EIO_SID_CHARS) return false;
    out->epoch = epoch.at[0];
    return read_marks(json_object_get(json, "rooms"), arena, out) &&
           read_names(json_object_get(json, "names"), arena, out);
}

bool record_read(struct str text, struct arena *arena, struct record *out)
{
    json_t *json = json_loadb(text.at, text.len, JSON_ALLOW_NUL, NULL);

    *out = (struct record){ 0 };
    bool good = json != NULL && read_all(json, arena, out);
    json_decref(json);
    return good;
}
