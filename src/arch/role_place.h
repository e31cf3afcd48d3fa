#pragma once

#include <cstdint>

#include "arch/spec.h"

namespace espalier::arch {

/// Where a role is asked for.
struct Place {
  const ModelSpec& spec;
  const BlockSpec* block = nullptr;  // nullptr outside the blocks

  const GroupedAttention* grouped() const {
    return block ? std::get_if<GroupedAttention>(&block->mixer) : nullptr;
  }
  const LatentAttention* latent() const {
    return block ? std::get_if<LatentAttention>(&block->mixer) : nullptr;
  }
  bool indexes() const { return latent() && latent()->indexer && !latent()->indexer->shared; }
  const ShortConvolution* convolution() const {
    return block ? std::get_if<ShortConvolution>(&block->mixer) : nullptr;
  }
  const Mamba2* mamba() const { return block ? std::get_if<Mamba2>(&block->mixer) : nullptr; }
  bool state() const { return block && has_state(block->mixer); }
  bool fades() const { return delta() || mamba(); }
  bool scan_biases() const {
    return (convolution() && convolution()->biases) || (mamba() && mamba()->biases);
  }
  const GatedDelta* delta() const { return block ? std::get_if<GatedDelta>(&block->mixer) : nullptr; }
  bool is_read() const { return block && !std::holds_alternative<Unread>(block->mixer); }
  bool norms() const { return is_read() && block->residual.input_norms; }
  bool mixer_norm() const { return norms() && has_mixer(); }
  bool feed_forward_norm() const {
    return norms() && !std::holds_alternative<Absent>(block->feed_forward) && !block->residual.parallel;
  }
  bool has_mixer() const { return is_read() && !std::holds_alternative<Absent>(block->mixer); }
  bool norms_queries() const {
    return grouped() && grouped()->query_key_norm != QueryKeyNorm::kNone &&
           grouped()->query_key_norm != QueryKeyNorm::kUnit;
  }
  bool gates_output() const {
    return grouped() && grouped()->output_gate != OutputGate::kNone &&
           grouped()->output_gate != OutputGate::kInQueries;
  }
  const MixtureOfExperts* moe() const { return block ? block->moe() : nullptr; }
  const FeedForward* dense() const {
    return block ? std::get_if<FeedForward>(&block->feed_forward) : nullptr;
  }
  const SharedExpert* shared() const { return moe() && moe()->shared ? &*moe()->shared : nullptr; }
  const TextInput* text() const { return block ? nullptr : std::get_if<TextInput>(&spec.input); }
  const ImageInput* image() const { return block ? nullptr : std::get_if<ImageInput>(&spec.input); }
  const FeedForward* expert() const { return moe() ? &moe()->expert : nullptr; }
};

/// What a letter of a role's shape stands for there. An InternalError for what its mixer does not have.
std::int64_t size_of(char letter, const Place& at);

}  // namespace espalier::arch
