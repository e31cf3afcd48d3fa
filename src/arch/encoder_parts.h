#pragma once

#include <string_view>
#include <vector>

#include "arch/config_fields.h"
#include "arch/family.h"

// What the readers of encoders and vision models have in common.
namespace espalier::arch {

/// Attention of every token to all of its sequence, positions from the input, biases everywhere.
GroupedAttention full_attention(ConfigFields& config, std::int64_t width);
/// GELU between two linear layers with biases.
FeedForward gelu_network(std::int64_t width);

double at_least_zero(ConfigFields& config, std::string_view key, double fallback);
double probability(ConfigFields& config, std::string_view key, double fallback);

/// "id2label" and "label2id" of `labels`; nothing where there are none.
void write_labels(const std::vector<std::string>& labels, nlohmann::json& config);

}  // namespace espalier::arch
