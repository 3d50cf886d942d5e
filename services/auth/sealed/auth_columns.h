/* auth_columns.h - the columns of columns.def. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/db/sealed_column.h"

#define SEALED(table, row, column) extern const struct sealed_column sealed_##table##_##column;
#include "services/auth/sealed/columns.def"
#undef SEALED

enum err auth_columns_renew(struct pg *pg) MUST_CHECK; /* sealed_columns_renew() of all of them */
