/* settings_rows.c - the settings as data. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/service/settings_rows.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* clang-format off */
#define ROW_INT(lo_, hi_)    .kind = KIND_INT,    .lo = (lo_), .hi = (hi_)
#define ROW_BOOL             .kind = KIND_BOOL,   .hi = 1
#define ROW_TEXT(hi_)        .kind = KIND_TEXT,   .hi = (hi_)
#define ROW_CHOICE(list)     .kind = KIND_CHOICE, .choices = list
#define ROW_NETWORKS         .kind = KIND_NETWORKS

#define ROW(group_, name_, kind_, fallback_, doc_) \
    { .group = #group_, .name = #name_, .fallback = fallback_, .doc = doc_, \
      .at = offsetof(struct settings, group_.name_), ROW_##kind_ },

const struct setting_row setting_rows[] = {
#define SETTING(name, kind, fallback, doc) ROW(common, name, kind, fallback, doc)
#include "libshared/service/settings/common.def"
#undef SETTING
#define SETTING(name, kind, fallback, doc) ROW(gateway, name, kind, fallback, doc)
#include "libshared/service/settings/gateway.def"
#undef SETTING
#define SETTING(name, kind, fallback, doc) ROW(auth, name, kind, fallback, doc)
#include "libshared/service/settings/auth.def"
#undef SETTING
#define SETTING(name, kind, fallback, doc) ROW(chat, name, kind, fallback, doc)
#include "libshared/service/settings/chat.def"
#undef SETTING
#define SETTING(name, kind, fallback, doc) ROW(store, name, kind, fallback, doc)
#include "libshared/service/settings/store.def"
#undef SETTING
#define SETTING(name, kind, fallback, doc) ROW(share, name, kind, fallback, doc)
#include "libshared/service/settings/share.def"
#undef SETTING
};
/* clang-format on */
const size_t n_setting_rows = COUNT(setting_rows);

void setting_variable(const struct setting_row *row, char *out, size_t size)
{
    bool common = strcmp(row->group, "common") == 0;
    snprintf(out, size, SETTINGS_PREFIX "%s%s%s", common ? "" : row->group, common ? "" : "_", row->name);
    for (char *c = out; *c != '\0'; c++) *c = (char)toupper((unsigned char)*c);
}
