/* rows.c - the rows of proto/ that are documented. */
// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "services/tools/protodoc/protodoc.h"

/* clang-format off */
static const struct contract_method methods[] = {
#define METHOD(noun, verb, in, out, where, repeat, callers, doc) { #noun "." #verb, in##_shape, out##_shape },
#include "proto/all.def"
};

const struct on events[] = {
#define ON(nsp, event, service, noun, verb, action, effect, class, doc) \
    { nsp, event, #service, #noun "." #verb, #action, #effect, #class, doc },
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
    { 0 }
};

const struct hear heard[] = {
#define HEAR(nsp, event, rec, doc) { nsp, event, rec##_shape, doc },
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
    { 0 }
};

const struct contract_rate rates[] = {
#define RATE(name, count, seconds, by, unit, doc) { #name, count, seconds, #by, #unit, doc },
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
    { 0 }
};

enum {
#define RATE(name, count, seconds, by, unit, doc) RATE_##name,
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
};

const struct contract_class classes[] = {
#define T(name) (UINT64_C(1) << RATE_##name)
#define CLASS(name, rates) { #name, rates },
#include "proto/begin.def"
#include "proto/public.def"
#include "proto/end.def"
    { 0 }
};
/* clang-format on */

const struct contract_method *find_method(const char *name)
{
    for (size_t i = 0; i < COUNT(methods); i++)
        if (strcmp(methods[i].name, name) == 0) return &methods[i];
    abort(); /* tests/contract has proved that every face names a method */
}
