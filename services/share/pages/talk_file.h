/*
 * talk_file.h - a conversation as a file that somebody takes along, in one of the formats of formats.def.
 *
 *      ndjson   {"conversation":{...}}, {"medium":{...}} of each file, {"message":...} of each, {"end":{"messages":n}}
 *      html     the page of a link, without buttons, scripts and pictures
 *      text     its name, then `[when] who: what`, whatever is said there within its own lines
 *
 * What is said comes from strangers: in a file, too, it is nothing but text.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/share/share.h"

struct talk_source {
    struct str name, theme, data; /* msgpack */
    int64_t changed_at;
    struct shared_medium_list media; /* that its reader may know of */
};

/* invalid_argument: there is no such format; too_large: it comes to more than a file may have. */
enum err talk_file_make(struct call *call, const struct talk_source *of, struct str format, struct str lang,
    struct written_file *out) MUST_CHECK;
