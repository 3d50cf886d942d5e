/* log_private.h - between log.c, which makes lines, and log_out.c, which writes them. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>

void log_out_put(const char *line, size_t len);
