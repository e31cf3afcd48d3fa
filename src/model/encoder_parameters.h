#pragma once

#include <functional>
#include <string>
#include <variant>

#include "moe/moe_layer.h"

namespace espalier {

using ParameterVisitor = std::function<void(const std::string&, torch::Tensor&)>;

/// NAME.weight and NAME.bias.
void visit_pair(const std::string& name, torch::Tensor& weight, torch::Tensor& bias,
                const ParameterVisitor& visit);

/// A block's FFN (`intermediate.dense`, `output.dense`) or MoE layer (`moe.router`, stacked `moe.experts`).
void visit_feed_forward(const std::string& block, std::variant<FfnWeights, MoeLayer>& feed_forward,
                        const ParameterVisitor& visit);

}  // namespace espalier
