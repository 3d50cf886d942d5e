/* talk_html.h - what pages of links and files of conversations say of one, in the words of texts.def. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/share/pages/share_files.h"

extern const struct page_text share_texts[]; /* share_page.c */

void talk_html_put(struct page *page, const struct share_files *files, const struct shared_conversation *shared,
    const struct talk *talk);
struct str talk_time(struct arena *arena, int64_t ms);
