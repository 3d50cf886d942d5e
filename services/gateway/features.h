/* features.h - the features that there are, by their place in features.def. */
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "services/gateway/identity/client.h"

/* clang-format off */
enum feature {
#define FEATURE(name, object) FEATURE_##name,
#include "services/gateway/features.def"
#undef FEATURE
    FEATURE_COUNT
};

#define FEATURE(name, object) extern const struct client_feature name##_feature;
#include "services/gateway/features.def"
#undef FEATURE
/* clang-format on */
