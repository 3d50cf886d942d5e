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
#define ROW_FILES            .kind = KIND_FILES,  .hi = 300
#define ROW_FILE             .kind = KIND_FILE,   .hi = 300
#define ROW_NETWORKS         .kind = KIND_NETWORKS
#define ROW_ORIGIN           .kind = KIND_ORIGIN
#define ROW_PORTS            .kind = KIND_PORTS
#define ROW_ENDPOINTS(hi_)   .kind = KIND_ENDPOINTS, .hi = (hi_)

#define ROW(group, name, kind, fallback, doc) ROW_(group, name, kind, fallback, doc) /* GROUP is a macro itself */
#define ROW_(group_, name_, kind_, fallback_, doc_) \
    { .group = #group_, .name = #name_, .fallback = fallback_, .doc = doc_, \
      .at = offsetof(struct settings, group_.name_), ROW_##kind_ },

#define URL_DOC_1(name)  "ZeroMQ endpoint at which " name " is reached"
#define URL_DOC_16(name) "ZeroMQ endpoint at which " name " is reached; of several processes, separated by commas: the same list, in the same order, for every process"

const struct setting_row setting_rows[] = {
#define SETTING(name, kind, fallback, doc) ROW(common, name, kind, fallback, doc)
#define SERVICE(name, place, parts, doc) \
    ROW(common, name##_url, ENDPOINTS(parts), "ipc://.run/sock/" #name, URL_DOC_##parts(#name))
#include "libshared/service/settings.def"
#include "proto/begin.def"
#include "proto/services.def"
#include "proto/end.def"
#undef SETTING
#define SETTING(name, kind, fallback, doc) ROW(GROUP, name, kind, fallback, doc)
#define GROUP_BEGIN(name)
#define GROUP_END(name)
#include "rows/settings.def"
};
/* clang-format on */
const size_t n_setting_rows = COUNT(setting_rows);

void setting_variable(const struct setting_row *row, char *out, size_t size)
{
    bool common = strcmp(row->group, "common") == 0;
    snprintf(out, size, SETTINGS_PREFIX "%s%s%s", common ? "" : row->group, common ? "" : "_", row->name);
    for (char *c = out; *c != '\0'; c++) *c = (char)toupper((unsigned char)*c);
}

const struct endpoint_list *settings_endpoints(const struct settings *from, struct str service)
{
/* clang-format off */
#define SERVICE(name, place, parts, doc) if (str_is(service, #name)) return &from->common.name##_url;
#include "proto/begin.def"
#include "proto/services.def"
#include "proto/end.def"
    /* clang-format on */
    return NULL;
}
