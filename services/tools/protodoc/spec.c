/* spec.c - what both specifications have: who we are, and how often one may ask. */
// SPDX-License-Identifier: Apache-2.0
#include "services/tools/protodoc/protodoc.h"

json_t *spec_info(const char *what)
{
    return json_pack("{s:s, s:s, s:s, s:{s:s, s:s}}", "title", "Madang", "version", "1", "description", what, "license",
        "name", "Apache-2.0", "url", "https://www.apache.org/licenses/LICENSE-2.0");
}

static json_t *names_of(const struct contract_class *class)
{
    json_t *names = json_array();

    for (size_t i = 0; rates[i].name != NULL; i++)
        if (class->rates & UINT64_C(1) << i) json_array_append_new(names, json_string(rates[i].name));
    return names;
}

json_t *spec_rates(void)
{
    json_t *all = json_object(), *of = json_object();

    for (const struct contract_rate *rate = rates; rate->name != NULL; rate++)
        schema_set(all, rate->name,
            json_pack("{s:s, s:I, s:I, s:s, s:s}", "description", rate->doc, "count", (json_int_t)rate->count,
                "seconds", (json_int_t)rate->seconds, "by", rate->by, "unit", rate->unit));
    for (const struct contract_class *class = classes; class->name != NULL; class ++)
        schema_set(of, class->name, names_of(class));
    return json_pack("{s:o, s:o}", "rates", all, "classes", of);
}
