/* kept_texts.h - copies of texts that outlive the arena of what said them; mem_free() of their `at`. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/wire.h"

struct str text_keep(struct str text);
struct str_list texts_keep(struct str_list list); /* the list and its texts, in one piece */
