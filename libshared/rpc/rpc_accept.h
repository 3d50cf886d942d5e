/* rpc_accept.h - connections that were closed so that descriptors are left: see rpc_accept.c. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdint.h>

int64_t rpc_accept_refused(void); /* since the start, in this process */
