/* nickname.c - the handles of users. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/plain_text.h"
#include "services/auth/users/text_forms.h"
#include "services/auth/users/users.h"

#define NICKNAME_CHARS_MAX 32 /* proto/auth.def: user.nickname */

static const char *check_nickname(const struct text_forms *forms)
{
    if (!text_is_plain(forms->written) || !text_is_plain(forms->folded))
        return "has a character that is not seen, or begins or ends with a blank";
    return utf8_length(forms->written.at, forms->written.len) > NICKNAME_CHARS_MAX ? "has more than 32 characters"
                                                                                   : NULL;
}

enum err nickname_read(struct pg *pg, struct arena *arena, struct str typed, struct nickname *out, const char **why)
{
    struct text_forms forms;

    TRY(text_forms_load(pg, arena, typed, &forms));
    *why = check_nickname(&forms);
    *out = (struct nickname){ forms.written, forms.folded };
    return *why == NULL ? OK : ERR_INVALID_ARGUMENT;
}
