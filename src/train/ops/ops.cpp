#include "train/ops/ops.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "base/error.h"
#include "base/rng.h"

namespace espalier {

Dropout attention_block(const Dropout& dropout, std::int64_t sequence_and_head, std::int64_t chunk) {
  const auto key = counter_random(dropout.key, static_cast<std::uint64_t>(sequence_and_head));
  return {dropout.probability, chunk == 0 ? key : counter_random(key, static_cast<std::uint64_t>(chunk))};
}

AttentionHeads AttentionHeads::bidirectional(std::int64_t heads, std::int64_t width) {
  const auto each = width / heads;
  return {.heads = heads,
          .key_value_heads = heads,
          .key_width = each,
          .value_width = each,
          .scale = 1.0 / std::sqrt(static_cast<double>(each))};
}

FeedForwardWeights FeedForwardWeights::expert(std::int64_t e) const {
  const auto of = [e](const torch::Tensor& stacked) {
    return stacked.defined() ? stacked[e] : torch::Tensor();
  };
  return {of(up), of(up_bias), of(down), of(down_bias), kind};
}

FeedForwardWeights FeedForwardWeights::gated(torch::Tensor gate_up, torch::Tensor down) {
  return {std::move(gate_up), {}, std::move(down), {}, FeedForwardKind::kGatedSilu};
}

std::string_view name(Backend backend) {
  return backend == Backend::kOneDnn ? "onednn" : "torch";
}

Backend parse_backend(std::string_view name) {
  if (name == "onednn") return Backend::kOneDnn;
  if (name == "torch") return Backend::kTorch;
  throw UserError(fmt::format("--backend: unknown backend '{}'", name), "known backends: onednn, torch");
}

const Ops& onednn_ops();
const Ops& torch_ops();

const Ops& ops(Backend backend) {
  return backend == Backend::kOneDnn ? onednn_ops() : torch_ops();
}

}  // namespace espalier
