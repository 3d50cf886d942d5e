/* rows.h - rows that stay in their service: columns as fields, without a row in proto/. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/records.h"

/* A row's columns in the struct `rec`: ROW_FIELD(struct rec, name, KIND). */
#define ROW_FIELD(rec, name_, kind_)                                                                                   \
    {                                                                                                                  \
        WIRE_NAME(#name_), .at = offsetof(rec, name_), .kind = WIRE_##kind_                                            \
    }
#define ROW_END                                                                                                        \
    {                                                                                                                  \
        .name = NULL                                                                                                   \
    }
