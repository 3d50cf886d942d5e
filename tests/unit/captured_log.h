/* captured_log.h - what a function puts on standard output, for tests that read the log. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

/* Until the next call. */
const char *captured_log(void (*write_lines)(void));
int count_lines(const char *text);
int count_texts(const char *in, const char *text);
