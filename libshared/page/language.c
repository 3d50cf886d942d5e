/* language.c - which of ours somebody reads. */
// SPDX-License-Identifier: Apache-2.0
#include <strings.h>
#include <string.h>

#include "libshared/base/weight.h"
#include "libshared/page/page.h"

static const char *const codes[PAGE_LANGUAGES] = { [PAGE_EN] = "en", [PAGE_KO] = "ko" };

const char *page_language_code(enum page_language language)
{
    return codes[language];
}

bool page_language_find(struct str code, enum page_language *out)
{
    for (enum page_language i = 0; i < PAGE_LANGUAGES; i++) {
        if (!str_is(code, codes[i])) continue;
        *out = i;
        return true;
    }
    return false;
}

/* "ko", "ko-KR": the range's first word is what counts. */
static bool is_of(struct str range, const char *code)
{
    size_t len = strlen(code);

    return range.len >= len && strncasecmp(range.at, code, len) == 0 && (range.len == len || range.at[len] == '-');
}

enum page_language page_language_accepted(struct str accept_language)
{
    enum page_language best = PAGE_EN;
    int most = 0;

    while (accept_language.len > 0) {
        struct str params = str_cut(&accept_language, ','), range = str_trim(str_cut(&params, ';'));
        int weight = weight_read(params);
        for (enum page_language i = 0; i < PAGE_LANGUAGES; i++) {
            if (weight <= most || !is_of(range, codes[i])) continue;
            most = weight;
            best = i;
        }
    }
    return best;
}
