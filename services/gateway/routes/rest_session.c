/* rest_session.c - how often one session is gone on with. */
// SPDX-License-Identifier: Apache-2.0
#include "libshared/base/clock.h"
#include "libshared/policy/refresh_token.h"
#include "services/gateway/routes/rest_private.h"

bool rest_session_may(struct rest *rest, const struct wire_shape *shape, const void *record)
{
    const struct wire_field *field = wire_find(shape, STR("refresh_token"));
    const struct rates *rates = rest->routes->rates;
    struct refresh_token token;
    int64_t now_us = clock_mono_us();

    if (rest->row->class != CLASS_refresh || field == NULL) return true;
    if (!refresh_token_parse(*(const struct str *)(const void *)((const char *)record + field->at), &token))
        return true;
    id_format(token.session, rest->session);
    int64_t wait_ms = rates_wait_ms(rates, RATE_refresh, str_of(rest->session), now_us);
    if (wait_ms == 0) return true;
    rest->rate = rates_limit(rates, RATE_refresh);
    rest->rate.retry_after_ms = wait_ms;
    return false;
}

void rest_session_count(struct rest *rest)
{
    if (rest->session[0] != '\0') rates_take(rest->routes->rates, RATE_refresh, str_of(rest->session), clock_mono_us());
}
