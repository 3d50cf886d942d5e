/* rooms.h - the rooms that come of Mattermost's file: collected line by line, and written as files of docs/import.md. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdio.h>

#include "libshared/wire/records.h"
#include "services/tools/madangctl/mattermost/mattermost.h"

enum left_out {
#define LEFT(name, doc) LEFT_##name,
#include "services/tools/madangctl/mattermost/left_out.def"
#undef LEFT
    LEFTS
};

struct table_row;
struct made_member {
    struct str subject;
    bool is_admin;
};

/* A room that will be one. */
struct made_room {
    struct id id;
    struct str name, topic;
    bool is_open, is_direct;
    int64_t first_at, archived_at; /* 0: nothing was said; it is not archived */
    struct made_member *members;
    size_t n_members, cap_members;
    int64_t entries;
    size_t first_entry; /* of them, once they are in their order */
};

/* An entry, which lies in the spool: without its seq, which it gets when all are there. */
struct made_entry {
    int64_t order;   /* when it was said; of what is done to something, never before that */
    uint64_t offset; /* in the spool: the entry, behind it the media that it shows */
    uint32_t room, bytes, media_bytes;
    uint32_t n;      /* in the order of the file */
    uint32_t parent; /* 1 + n of the message that it is done to, or whose thread it is in; 0: none */
};

struct made_rooms {
    struct str as;                 /* whose ids these are */
    struct arena *arena, *scratch; /* the latter of what is said in one line */
    FILE *spool;
    uint64_t spooled;
    struct table_row *people, *places; /* username -> subject; where posts are -> room */
    struct made_room *rooms;
    size_t n_rooms, cap_rooms;
    struct made_entry *entries;
    size_t n_entries, cap_entries;
    uint32_t *seqs; /* by n */
    int64_t left[LEFTS];
    int64_t earliest;  /* of all that was said */
    const char *fault; /* why it cannot go on */
};

/* The same each time, for what has this name there. */
struct id made_id(struct arena *arena, struct str as, const char *kind, struct str name);

void rooms_begin(struct made_rooms *all, struct str as, FILE *spool);
void rooms_name(struct made_rooms *all, struct str username, struct str subject); /* who is a user here */
/* False: `fault`. */
bool rooms_take(struct made_rooms *all, const struct mattermost_line *line);
void rooms_sort(struct made_rooms *all); /* when all are there; then each is written */
bool room_write(struct made_rooms *all, size_t room, FILE *to);
void rooms_end(struct made_rooms *all);

/* At most so many characters of it. */
struct str text_cut(struct str text, size_t chars);
