/* text_forms.c - normal forms and case, as Unicode has them. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/users/text_forms.h"

#include "libshared/db/rows.h"

static const struct wire_field forms_fields[] = {
    ROW_FIELD(struct text_forms, written, TEXT),
    ROW_FIELD(struct text_forms, compatible, TEXT),
    ROW_FIELD(struct text_forms, folded, TEXT),
    ROW_END,
};
static const struct wire_shape forms_shape = { "text_forms", "", sizeof(struct text_forms), forms_fields };

/* Upper case first, so that what has several small forms comes to one of them.  By ICU's rules: those of the database may
 * know ASCII alone. */
static const char FORMS[] = "SELECT normalize($1, NFC) AS written, normalize($1, NFKC) AS compatible,"
                            " normalize(lower(upper(normalize($1, NFKC) COLLATE \"und-x-icu\")), NFKC) AS folded";

enum err text_forms_load(struct pg *pg, struct arena *arena, struct str text, struct text_forms *out)
{
    return pg_one(pg, arena, &forms_shape, out, FORMS, PG_ARGS(pg_text(text)));
}
