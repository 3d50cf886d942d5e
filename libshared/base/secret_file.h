/* secret_file.h - the first line of a file that the settings name, or another one, at the start. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/err.h"
#include "libshared/base/str.h"

#define SECRET_FILE_MAX 500

/* false: it cannot be read, or has no first line. */
bool secret_file_read(const char *path, char out[SECRET_FILE_MAX]) MUST_CHECK;
/* The same of another of its lines, counted from 0 on. */
bool secret_file_line(const char *path, int line, char out[SECRET_FILE_MAX]) MUST_CHECK;
