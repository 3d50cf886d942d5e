/* export.h - the lines of an export, and its places: docs/export.md. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/buf.h"
#include "libshared/wire/records.h"

#define EXPORT_FORMAT   "madang-room"
#define EXPORT_VERSION  1
#define EXPORT_TEXT_MAX (2u << 20) /* of one part: proto/common.def, json_lines.text */

/* Each puts whole lines.  What does not fit has the buffer over. */
void export_put_begin(struct buf *out, struct exported_room *room, int64_t after, int64_t head);
void export_put_people(struct buf *out, struct person_list people); /* in the order of their ids */
void export_put_members(struct buf *out, struct room_member_list members);
void export_put_friends(struct buf *out, struct export_friends_list friends);
void export_put_media(struct buf *out, struct export_media media);
void export_put_entry(struct buf *out, const struct message *entry);
/* The mark of a place, which is printed already; STR_NONE: the end. */
void export_put_last(struct buf *out, const struct export_place *place, struct str mark);

/* The hash of all lines up to here: SHA-256 of that of the lines up to the part before and of this part's, as they stand. */
struct str export_hash(struct arena *arena, struct str before, struct str text);

/* Places as clients are told of them.  An empty text is the beginning; false: it is none. */
struct str export_place_print(struct arena *arena, const struct export_place *place);
bool export_place_read(struct arena *arena, struct str text, struct export_place *out) MUST_CHECK;
