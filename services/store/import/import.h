/* import.h - the lines of a file that is read in: docs/import.md. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/records.h"

#define IMPORT_LINES_MAX 1000 /* of a part */

/* A part: what it says, in the order of its kinds. */
struct import_lines {
    struct id room;
    struct export_begin *begin; /* NULL: it is not the first part */
    struct room_member_list members;
    struct export_friends_list friends;
    struct export_medium_list media;
    struct message_list entries; /* one gapless piece of the log */
    int64_t entries_at;          /* the line of the first of them */
    int64_t floor;               /* of a first part: what is in the log follows this seq */
    bool goes_on;                /* it is a mark alone, behind which the file goes on */
    bool is_whole;               /* it has the end */
    struct export_place place;   /* behind it */
};

/*
 * One part of a file, checked line by line and as a whole: its hash and its counts are what its mark, or the end, says; so what was changed
 * or is missing is seen before anything of it is kept.  `after`: the mark of the part before; empty: it is the first one.  `before`: so
 * many lines came before it.  Not OK: `why` names the line.  Views into `text`.
 */
enum err import_lines_read(struct arena *arena, struct str after, struct str text, int64_t before, int64_t now,
    struct import_lines *out, struct wire_error *why) MUST_CHECK;
