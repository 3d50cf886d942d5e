/* making.c - what comes of an image: contents that are kept, or files that are gone again. */
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "libshared/db/pg.h"
#include "libshared/db/rows.h"
#include "services/share/images/making.h"
#include "services/share/media/blob.h"

static const struct wire_field image_row_fields[] = { ROW_FIELD(struct image_row, media, ID),
    ROW_FIELD(struct image_row, type, TEXT), ROW_FIELD(struct image_row, owner, TEXT),
    ROW_FIELD(struct image_row, file, ID), ROW_FIELD(struct image_row, hash, BYTES),
    ROW_FIELD(struct image_row, size, INT), ROW_FIELD(struct image_row, state, TEXT), ROW_END };
static const struct wire_shape shape = { "image_row", "", sizeof(struct image_row), image_row_fields };

const struct wire_shape *image_row_shape(void)
{
    return &shape;
}

struct making *making_create(struct call *call, struct job_run *run)
{
    struct making *making = arena_zero(call->arena, sizeof *making);

    making->images = ((struct share *)call->context)->images;
    making->call = call;
    making->run = run;
    making->n_forms = FORMS;
    making->row = arena_zero(call->arena, sizeof *making->row);
    making->gone = (struct id_list){ arena_alloc(call->arena, (FORMS + 1) * sizeof *making->gone.at), 0 };
    return making;
}

void making_end(struct making *making, enum err e)
{
    job_done(making->run, e);
}

void making_work(struct making *making, struct str owner,
    enum err (*work)(struct pg *pg, struct arena *arena, void *arg), void (*done)(void *arg, enum err e))
{
    if (!rpc_server_work(images_server(making->images), owner, work, done, making)) making_end(making, ERR_OVERLOADED);
}

void making_read(struct making *making)
{
    if (!images_read(making->images, making)) making_end(making, ERR_OVERLOADED);
}

struct call making_call(const struct making *making, struct pg *pg)
{
    struct call call = *making->call;

    call.pg = pg;
    return call;
}

/* Contents are locked in one order, so that two who are at it do not wait for each other. */
static int compare_forms(const void *a, const void *b)
{
    return memcmp(((const struct content_of_form *)a)->hash, ((const struct content_of_form *)b)->hash, 32);
}

enum err making_keep_contents(struct call *call, struct making *making, struct str came)
{
    struct content_of_form all[FORMS + 1];
    size_t n = making->n_forms;
    struct id file;

    memcpy(all, making->forms, n * sizeof *all);
    if (came.len > 0) {
        all[n] = (struct content_of_form){ .size = -1 };
        memcpy(all[n++].hash, came.at, sizeof all->hash);
    }
    qsort(all, n, sizeof *all, compare_forms);
    making->gone.len = 0;
    for (size_t i = 0; i < n; i++) {
        struct str hash = { (const char *)all[i].hash, sizeof all[i].hash };
        if (all[i].size < 0) {
            TRY(blob_lock(call, hash));
            continue;
        }
        TRY(blob_keep(call, hash, all[i].file, all[i].size, &file));
        if (!id_eq(file, all[i].file)) making->gone.at[making->gone.len++] = all[i].file;
    }
    return OK;
}

void making_drop(struct making *making)
{
    making->gone.len = 0;
    for (size_t i = 0; i < making->n_forms; i++) making->gone.at[making->gone.len++] = making->forms[i].file;
}
