/* page.h - how much a page of a log holds. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#define PAGE_BYTES (1 << 20) /* of text: a page of the longest messages would be fifty times this */

/*
 * What a meta of before 0002 prints, at the most, without printing it: jsonb keeps a number of 325 characters in 16 bytes,
 * and one that is compressed says of its size nothing; 4,096 bytes of msgpack were let in.
 */
#define OLD_META_BYTES(row)                                                                                            \
    "CASE WHEN pg_column_compression(" row ".old_meta) IS NULL THEN 24 * pg_column_size(" row                          \
    ".old_meta) ELSE 163840 END"

/* Of a row with body, meta_as_sent, old_meta and attachments. */
#define TEXT_BYTES(row)                                                                                                \
    "octet_length(" row ".body) + COALESCE(octet_length(" row                                                          \
    ".meta_as_sent::text), " OLD_META_BYTES(row) ", 0)"                                                                \
                                                 " + 40 * COALESCE(cardinality(" row ".attachments), 0)"
