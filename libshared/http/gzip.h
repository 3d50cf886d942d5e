/* gzip.h - compressing answers for clients that accept it. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/http/http_server.h"

/* Text of 1 KiB and more that is not encoded already. */
bool gzip_is_worth_it(const char *content_type, size_t len, const struct http_header_out *extra, size_t n_extra);
bool gzip_is_accepted(struct str accept_encoding);
/* false: it did not become smaller. */
bool gzip_pack(struct str body, struct buf *out);
