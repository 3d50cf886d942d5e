/* gzip.h - compressing answers for clients that accept it. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/http/http_server.h"

/* Text of 1 KiB and more that is not encoded already. */
bool gzip_is_worth_it(const char *content_type, size_t len, const struct http_header_out *extra, size_t n_extra);
/* How much an Accept-Encoding wants "gzip" or "br"; 0: not at all, or less than what is not packed. */
int coding_weight(struct str accept_encoding, const char *coding);
/* false: it did not become smaller. */
bool gzip_pack(struct str body, struct buf *out);
/* As small as it gets, for what is packed once and sent often. */
bool gzip_pack_well(struct str body, struct buf *out);
