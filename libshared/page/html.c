/* html.c - the five characters that markup is made of. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/page/html.h"

void html_put_text(struct buf *out, struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        switch (text.at[i]) {
        case '&': buf_add_str(out, STR("&amp;")); break;
        case '<': buf_add_str(out, STR("&lt;")); break;
        case '>': buf_add_str(out, STR("&gt;")); break;
        case '"': buf_add_str(out, STR("&quot;")); break;
        case '\'': buf_add_str(out, STR("&#39;")); break;
        default: buf_add_char(out, text.at[i]);
        }
    }
}
