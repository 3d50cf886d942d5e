/* scripts.h - the scripts of pages. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/page/page.h"

extern const char page_passkey_script[], page_archive_script[];
