/*
 * content_type.h - what a file is, by its first bytes and not by what its sender calls it.
 *
 * The rows are content_types.def.  A type says how a browser is to read the bytes, so it is one of those that no browser
 * runs anything of, whatever the rest of the file is.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

/* So many bytes tell. */
#define CONTENT_HEAD_BYTES 4096

enum content_kind {
    CONTENT_IMAGE,
    CONTENT_AUDIO,
    CONTENT_VIDEO,
    CONTENT_TEXT,
    CONTENT_DOCUMENT,
    CONTENT_ARCHIVE,
    CONTENT_OTHER,
    CONTENT_KINDS
};

struct content_type {
    const char *name;
    enum content_kind kind;
    bool shown; /* a browser may show it in place */
};

/* Of the first bytes of a file, or all of them if they are fewer. */
const struct content_type *content_type_of(struct str head);
bool content_type_is_shown(struct str name);
/* An image that is read and written anew before it is shown; one of another type is none that others could be shown. */
bool content_type_is_read(struct str name);
const char *content_kind_name(enum content_kind kind);
/* "image,audio": one bit for each.  0: a word of it is no kind, or there is none. */
unsigned content_kinds_read(struct str list);
