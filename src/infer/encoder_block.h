#pragma once

#include <cstdint>
#include <functional>
#include <variant>

#include "infer/encoder_experts.h"
#include "infer/norms.h"
#include "infer/sequence_layout.h"

namespace espalier::infer {

/// The parts of one block of an encoder or a vision model, float32 in memory. An encoder normalises after
/// each residual sum, a vision model before each part.
struct EncoderBlock {
  StoredNorm attention_norm;
  StoredLinear query, key, value;  // [D, D]
  StoredLinear output;             // [D, D]
  StoredNorm feed_forward_norm;
  std::variant<PlainFfn, EncoderMoe> feed_forward;

  const EncoderMoe* moe() const { return std::get_if<EncoderMoe>(&feed_forward); }
};

/// All weights of a block, for widening them.
void for_each_weight(EncoderBlock& block, const std::function<void(StoredWeight&)>& action);

/// y [N, out] = x W^T + b.
void apply(const StoredLinear& linear, std::int64_t N, const float* x, float* y);
/// y [n, D] = LayerNorm(x) * weight + bias; y may be x.
void normalise(const StoredNorm& norm, double epsilon, std::int64_t n, std::int64_t D, const float* x,
               float* y);
/// x [n, D] = LayerNorm(x + y) * weight + bias; y is overwritten.
void add_and_normalise(const StoredNorm& norm, double epsilon, std::int64_t n, std::int64_t D, float* x,
                       float* y);

/// y [N, D] = attention(x) of every sequence by itself.
void attend(const EncoderBlock& block, std::int64_t heads, const SequenceLayout& layout, const float* x,
            float* y);

/// What the MoE layers of a model share: how a layer routes x [N, D].
using RouteTokens = std::function<Routing(const EncoderMoe& moe, std::int64_t N, const float* x)>;

/// y [N, D] = the block's FFN or MoE layer for x [N, D].
void feed_forward(const EncoderBlock& block, std::int64_t N, const float* x, float* y,
                  const RouteTokens& route, const ExpertTap& tap);

}  // namespace espalier::infer
