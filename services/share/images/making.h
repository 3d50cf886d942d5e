/* making.h - one image under way, between those who send it to the imager and images.c. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/share/images/images.h"
#include "services/share/share.h"

#define FORMS        4 /* the image itself, small, medium and large: as the imager writes them */
#define AVATAR_FORMS 2 /* the large square and the small one */

/* What came, as its rows have it. */
struct image_row {
    struct id media, file;
    struct str type, owner, hash, state;
    int64_t size;
};
/* To be filled by a SELECT of IMAGE_COLUMNS, of media m and its blob b. */
const struct wire_shape *image_row_shape(void);
#define IMAGE_COLUMNS "m.id AS media, m.type, m.owner, b.file, m.hash, m.size, m.state"

/* Of one image, in its job's arena.  The loop has it, or one thread. */
struct making {
    struct images *images;
    struct call *call;
    struct job_run *run;
    void (*done)(struct making *making, enum err e); /* on the loop, after the imager had its turn with it */
    struct image_row *row;
    bool avatar;
    size_t n_forms;
    struct image_made made;
    struct content_of_form {
        struct id file;
        uint8_t hash[32];
        int64_t size;
    } forms[FORMS];
    struct id_list gone; /* files, after the commit */
    const char *fault;   /* it is refused */
    struct making *next;
};

struct making *making_create(struct call *call, struct job_run *run);
void making_end(struct making *making, enum err e); /* its job's end too */
/* On a worker, in the owner's turn, and to the imager: `done` follows, or the job ends as overloaded and is tried again. */
void making_work(struct making *making, struct str owner,
    enum err (*work)(struct pg *pg, struct arena *arena, void *arg), void (*done)(void *arg, enum err e));
void making_read(struct making *making);
/* A worker's call: with its connection, in the owner's name. */
struct call making_call(const struct making *making, struct pg *pg);
/* In a WORKER: the contents of all forms are kept, and those files of them that are not to stay added to `gone`.  `came`, unless it is
 * none, is the hash of another content, which the caller is going to leave: its lock is taken in its order. */
enum err making_keep_contents(struct call *call, struct making *making, struct str came) MUST_CHECK;
void making_drop(struct making *making); /* nothing of it is kept: all its files are gone */
static inline struct str making_hash(const struct making *making, size_t form)
{
    return (struct str){ (const char *)making->forms[form].hash, sizeof making->forms[form].hash };
}

/* From the loop; calls `done`.  false: too many wait. */
bool images_read(struct images *images, struct making *making) MUST_CHECK;
