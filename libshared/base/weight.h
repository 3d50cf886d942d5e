/* weight.h - how much a client wants what it names: the `q=0.5` of Accept, -Encoding and -Language (RFC 9110 12.4.2). */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

#define WEIGHT_MOST 1000

/* In thousandths.  Who says nothing wants it most; what is no weight is 0: not at all. */
int weight_read(struct str params);
