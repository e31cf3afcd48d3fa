#pragma once

#include "artifacts/router_config.h"
#include "base/json.h"

namespace espalier {

/// {"score": "softmax", "experts_per_token": 2, "normalise": true, ..}: as observations keep it.
nlohmann::ordered_json router_config_to_json(const RouterConfig& config);
/// Strict. Throws UserError naming the field.
RouterConfig router_config_from_json(JsonObject object);

}  // namespace espalier
