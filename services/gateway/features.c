/* features.c - makes what the rows of features.def say. */
// SPDX-License-Identifier: Apache-2.0
#include "services/gateway/features.h"
#include "services/gateway/gateway.h"

#include "rows/features.def"

static void add_feature(struct gateway *gateway, enum feature index, const struct client_feature *feature, void *object)
{
    clients_add_feature(gateway->clients, index, feature, object);
}

void features_add(struct gateway *gateway)
{
    const struct service_pipes *chat = gateway->service[SERVICE_chat], *store = gateway->service[SERVICE_store];
    const struct settings *from = gateway->settings;
    struct recovery_config recovery = config_recovery(from);
    size_t rooms_max = (size_t)from->gateway.socket_rooms_max;
    struct rooms_bounds bounds = { rooms_max, (size_t)from->gateway.subject_rooms_max };

    /* clang-format off */
#define FEATURE(name, object) add_feature(gateway, FEATURE_##name, &name##_feature, object);
#include "services/gateway/features.def"
#undef FEATURE
    /* clang-format on */
    if (gateway->kind->add_features != NULL) gateway->kind->add_features(gateway);
}
