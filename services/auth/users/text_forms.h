/* text_forms.h - a text in the normal forms that names are compared in; PostgreSQL knows them. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/db/pg.h"

struct text_forms {
    struct str written;    /* in normal form C */
    struct str compatible; /* in normal form KC: full-width letters, ligatures and the like are plain ones */
    struct str folded;     /* that, without regard to case */
};

enum err text_forms_load(struct pg *pg, struct arena *arena, struct str text, struct text_forms *out) MUST_CHECK;
