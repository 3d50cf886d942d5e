/* loggable_path.h - the part of a request's path that a log may have. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/str.h"

/* A path that holds an API key, what a token begins with, or what could be a secret, ends before it. */
struct str loggable_path(struct str path);
