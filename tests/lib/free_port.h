/* free_port.h - a port of loopback that nobody has, below the kernel's own range and below those of lib/ports.mjs. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#define FIRST_PORT 10000
#define N_PORTS    10000

/* Each call another one. */
int free_port(void);
