/* nested.c - see nested.h. */
// SPDX-License-Identifier: Apache-2.0
#include "tests/contract/nested.h"

static const struct wire_shape *inner_shape(void)
{
    static const struct wire_field fields[] = {
        { WIRE_NAME("id"), .doc = "-", .at = offsetof(struct inner, id), .kind = WIRE_ID, .required = true },
        { WIRE_NAME("name"), .doc = "-", .at = offsetof(struct inner, name), .kind = WIRE_TEXT, .min = 1, .max = 9 },
        { WIRE_NAME("rule"), .doc = "-", .at = offsetof(struct inner, rule), .kind = WIRE_ONE,
            .of = policy_rule_shape },
        { .name = NULL },
    };
    static const struct wire_shape shape = { "inner", "Stands in another", sizeof(struct inner), fields };

    return &shape;
}

const struct wire_shape *nested_shape(void)
{
    static const struct wire_field fields[] = {
        { WIRE_NAME("inner"), .doc = "-", .at = offsetof(struct nested, inner), .kind = WIRE_ONE, .of = inner_shape,
            .required = true },
        { WIRE_NAME("other"), .doc = "-", .at = offsetof(struct nested, other), .kind = WIRE_ONE, .of = inner_shape },
        { WIRE_NAME("n"), .doc = "-", .at = offsetof(struct nested, n), .kind = WIRE_INT, .min = 1, .max = 9 },
        { WIRE_NAME("all"), .doc = "-", .at = offsetof(struct nested, all), .kind = WIRE_LIST, .max = 3,
            .of = inner_shape },
        { .name = NULL },
    };
    static const struct wire_shape shape = { "nested", "Has others", sizeof(struct nested), fields };

    return &shape;
}
