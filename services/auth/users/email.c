/* email.c - e-mails as they are kept, and by what they are unique. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/users/email_syntax.h"
#include "services/auth/users/text_forms.h"
#include "services/auth/users/users.h"

/* What is checked is what is written to: an address that becomes another one in normal form KC, such as one with a
 * full-width letter or @, is none. */
static const char *compare_forms(struct arena *arena, const struct text_forms *forms, struct email *out)
{
    struct email_parts written, compatible, folded;
    const char *why = email_parse(arena, forms->compatible, &compatible);

    if (why == NULL) why = email_parse(arena, forms->written, &written);
    if (why == NULL) why = email_parse(arena, forms->folded, &folded);
    if (why != NULL) return why;
    if (!str_eq(written.local, compatible.local) || !str_eq(written.domain, compatible.domain))
        return "has a character that stands for another one";
    out->written = forms->written;
    out->key = arena_printf(arena, "%.*s@%.*s", STR_ARG(folded.local), STR_ARG(written.domain));
    return NULL;
}

enum err email_read(struct pg *pg, struct arena *arena, struct str typed, struct email *out, const char **why)
{
    struct text_forms forms;

    TRY(text_forms_load(pg, arena, typed, &forms));
    *why = compare_forms(arena, &forms, out);
    return *why == NULL ? OK : ERR_INVALID_ARGUMENT;
}
