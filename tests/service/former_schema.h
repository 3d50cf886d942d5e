/* former_schema.h - the schema of a former version, for a test that brings it along. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

/* `last`: the number of the last migration that it has. */
void former_schema_make(const char *service, int last);
