/*
 * named.h - whom a text may name: what stands behind each @ in it.
 *
 * None is an @ behind an ASCII letter or digit or one of . _ % + - / (an e-mail address, a path), one in what has no blank in it and before the @
 * a "://" (a URL), one between as many backticks as before it (code), and one that a blank or another @ follows.  What stands behind one goes up to the end
 * of the line or the next @, and is NAMED_CHARS characters at most: whose nickname it begins with is chat's to say, as nicknames have blanks, and
 * Korean sets particles behind them.
 */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/base/arena.h"

#define NAMED_MAX   10 /* of one text, those that stand first; what is written twice is one */
#define NAMED_CHARS 32 /* proto/auth.def: user.nickname */

/* Of valid UTF-8; one on each line. */
struct str named_in(struct arena *arena, struct str text);
