/* registration.c - the setting, read. */
// SPDX-License-Identifier: Apache-2.0
#include "services/auth/users/registration.h"

#include <string.h>

const char *registration_refusal(const struct settings_auth *s, bool is_invited)
{
    const char *mode = s->registration;

    if (strcmp(mode, "off") == 0) return "Nobody may register here";
    if (strcmp(mode, "open") == 0 || strcmp(mode, "domains") == 0 || is_invited) return NULL;
    return "Nobody may register here without an invitation";
}

static bool is_listed(struct str domains, struct str domain)
{
    while (domains.at != NULL)
        if (str_eq(str_trim(str_cut(&domains, ',')), domain)) return true;
    return false;
}

bool registration_has_domain(const struct settings_auth *s, struct str email_key)
{
    struct str domain = email_key;
    size_t at;

    if (strcmp(s->registration, "domains") != 0) return true;
    while (str_find(domain, '@', &at)) domain = str_skip(domain, at + 1);
    return email_key.len > 0 && is_listed(str_of(s->registration_domains), domain);
}
