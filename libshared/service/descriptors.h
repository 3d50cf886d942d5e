/* descriptors.h - how many files and sockets this process may have open. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>

#define DESCRIPTORS_LEAST 256 /* with fewer no process starts */

/* Raises the soft limit to `wanted`, or as far as the hard one allows; what it is now.  Exits with one line if that is
 * below DESCRIPTORS_LEAST. */
int64_t descriptors_ask(int64_t wanted);
