/* spec.c - what both specifications have: who we are, and how often one may ask. */
// SPDX-License-Identifier: Apache-2.0
#include "services/tools/protodoc/protodoc.h"

json_t *spec_info(const char *what)
{
    return json_pack("{s:s, s:s, s:s, s:{s:s, s:s}}", "title", "Madang", "version", "1", "description", what, "license",
        "name", "Apache-2.0", "url", "https://www.apache.org/licenses/LICENSE-2.0");
}

json_t *spec_rates(void)
{
    json_t *all = json_object();

    for (const struct rate *rate = rates; rate->name != NULL; rate++)
        schema_set(all, rate->name,
            json_pack("{s:s, s:i, s:i, s:s}", "description", rate->doc, "count", rate->count, "seconds", rate->seconds,
                "by", rate->by));
    return all;
}
