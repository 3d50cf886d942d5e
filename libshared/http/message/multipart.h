/*
 * multipart.h - a multipart/form-data body (RFC 7578), as its bytes come.
 *
 *      --boundary --> head of a part --> its bytes --> --boundary --> ... --> --boundary--
 *
 * Nothing of a part is kept but its head, of at most 4 KiB.  What is neither part nor boundary is refused; what follows
 * the last boundary is passed over.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/arena.h"
#include "libshared/base/str.h"

#define MULTIPART_HEAD_MAX     4096
#define MULTIPART_BOUNDARY_MAX 70 /* RFC 2046 5.1.1 */
#define MULTIPART_PARTS_MAX    16

enum multipart_event {
    MULTIPART_MORE,  /* all of the input is taken */
    MULTIPART_PART,  /* a part begins: `name` and `file` say which */
    MULTIPART_BYTES, /* the next of its bytes */
    MULTIPART_END,   /* the last boundary was there */
    MULTIPART_BAD    /* it is no such body; there is no going on */
};

struct multipart {
    struct arena *arena; /* the texts are in it */
    char delimiter[MULTIPART_BOUNDARY_MAX + 4];
    size_t delimiter_len, matched; /* how much of it the last bytes were */
    int state;
    char head[MULTIPART_HEAD_MAX];
    size_t head_len, n_parts;
    struct str name, file; /* of the part; `file` STR_NONE: it is no file */
};

/* false: Content-Type is not multipart/form-data with a boundary. */
bool multipart_begin(struct multipart *multipart, struct str content_type, struct arena *arena);
/* Takes from the front of `in` up to the next event.  BYTES: *bytes is in `in`, or lives as long as the multipart. */
enum multipart_event multipart_next(struct multipart *multipart, struct str *in, struct str *bytes);
bool multipart_is_over(const struct multipart *multipart); /* END was there */
