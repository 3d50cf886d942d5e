/* html.h - text as HTML has it: what it says is shown, and is no markup. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/buf.h"

/* In the text or between quotes of either kind. */
void html_put_text(struct buf *out, struct str text);
