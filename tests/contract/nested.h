/* nested.h - records in a record, as no row of proto/ needs to have them: required and not, in lists and in each other. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "libshared/wire/records.h"

struct inner {
    struct id id;
    struct str name;
    struct policy_rule *rule;
};
struct inner_list {
    struct inner *at;
    size_t len;
};
struct nested {
    struct inner *inner, *other;
    int64_t n;
    struct inner_list all;
};

const struct wire_shape *nested_shape(void);
