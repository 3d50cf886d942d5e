/* madangctl.h - the nouns of madangctl, a file each, which main.c lists. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/cli/cli.h"

extern const struct noun room_noun;
extern const struct noun share_noun;
extern const struct noun user_noun;
extern const struct noun report_noun;
extern const struct noun connection_noun;
extern const struct noun job_noun;
extern const struct noun mattermost_noun;

/* rows.c: the lines of a file, each with its end. */
struct rows {
    FILE *from;
    struct buf row; /* the one that was read last; over: it is longer than it may be */
    int64_t n;      /* its number */
};
bool row_read(struct rows *rows);                                      /* false: there is none any more */
int row_refuse(const struct rows *rows, enum err e, const char *text); /* says it of this line; an exit code */

int import_room(const struct command_line *line); /* room_import.c */
/* room.c: the line that is typed after this question is that text. */
bool confirmed(const char *question, struct str text);
