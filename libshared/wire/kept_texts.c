/* kept_texts.c - texts are copied. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/wire/kept_texts.h"

#include <string.h>

#include "libshared/base/arena.h"

struct str text_keep(struct str text)
{
    char *at = text.len == 0 ? NULL : mem_alloc(text.len);

    if (at != NULL) memcpy(at, text.at, text.len);
    return (struct str){ at, text.len };
}

struct str_list texts_keep(struct str_list list)
{
    size_t bytes = list.len * sizeof *list.at;
    struct str_list copy = { NULL, list.len };

    if (list.len == 0) return copy;
    for (size_t i = 0; i < list.len; i++) bytes += list.at[i].len;
    copy.at = mem_alloc(bytes);
    char *at = (char *)(copy.at + list.len);
    for (size_t i = 0; i < list.len; at += list.at[i++].len) {
        memcpy(at, list.at[i].at, list.at[i].len);
        copy.at[i] = (struct str){ at, list.at[i].len };
    }
    return copy;
}
