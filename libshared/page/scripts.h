/* scripts.h - the scripts and styles of pages. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/page/page.h"

extern const char page_passkey_script[], page_archive_script[];
const char *page_style_forms(void);
const char *page_style_talk(void);
