#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "infer/gated_ffn.h"
#include "infer/routing.h"

namespace espalier::infer {

/// A Mixture-of-Experts layer of a decoder: its experts' weights are read one at a time.
struct DecoderMoe {
  StoredWeight router;                 // [E, D]
  StoredWeight router_bias;            // [E] of the logits, float32 in memory, or not there
  StoredWeight correction_bias;        // [E] float32 in memory, or not there
  std::vector<GatedFfn> experts;       // [E]
  StoredWeight latent_in, latent_out;  // [d, D], [D, d] before and after the routed experts, or not there
  std::optional<GatedFfn> shared;
  std::optional<StoredWeight> shared_gate;  // [1, D]: the shared expert's output times its sigmoid
  bool scales_input = false;                // see arch::Router
  double output_scale = 1.0;                // of the layer's output
};

/// Rows that one expert computed.
struct ExpertOutput {
  std::int64_t expert;
  std::span<const std::int32_t> tokens;  ///< [R] of the N tokens
  std::span<const float> gates;          ///< [R]
  const float* outputs;                  ///< [R, D], before the gates
};

/// What somebody who watches a layer sees. Each may be empty.
struct ExpertTap {
  std::function<void(const RoutingView&)> routed;
  std::function<void(const ExpertOutput&)> output;  ///< several times for an expert of many tokens
  /// What the layer is given, x [N, D], before its experts compute it.
  std::function<void(std::int64_t N, const float* x, const RoutingView&)> inputs = {};
};

/// residual [N, D] += the layer's output for x [N, D]: the chosen experts times their gates, and the shared
/// expert. Only routed rows are computed.
void add_experts(const DecoderMoe& moe, const RouterConfig& config, std::int64_t N, const float* x,
                 float* residual, const ExpertTap& tap);

/// residual [N, D] += the network's output for x [N, D].
void add_ffn(const GatedFfn& ffn, std::int64_t N, const float* x, float* residual);

}  // namespace espalier::infer
