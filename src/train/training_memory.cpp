#include "train/training_memory.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/memory_limit.h"
#include "train/parameters.h"

namespace espalier::train {
namespace {

/// Of the residual stream, for each block: what the two norms read, what they give, and the two sums.
constexpr double kStreamCopies = 6;
constexpr double kGradientAndMoments = 3 * sizeof(float);

double mixer_numbers(const arch::Mixer& mixer, double sequence) {
  if (const auto* grouped = std::get_if<arch::GroupedAttention>(&mixer)) {
    const auto H = static_cast<double>(grouped->heads), G = static_cast<double>(grouped->key_value_heads);
    const auto d = static_cast<double>(grouped->key_width), v = static_cast<double>(grouped->value_width);
    return (H + G) * d + G * v + H * v + H * sequence;
  }
  if (const auto* latent = std::get_if<arch::LatentAttention>(&mixer)) {
    const auto H = static_cast<double>(latent->heads), d = static_cast<double>(latent->key_width());
    const auto v = static_cast<double>(latent->value_width);
    return 2 * H * (2 * d + v) + static_cast<double>(latent->key_value_rank) + H * v + H * sequence;
  }
  return 0;
}

double hidden_numbers(const arch::FeedForward& network) {
  return static_cast<double>(network.width) * (network.gated ? 2 : 1);
}

/// Every pair of a token and one of its experts has its input, its hidden numbers and its output.
double feed_forward_numbers(const arch::BlockSpec& block, double width) {
  const auto* moe = block.moe();
  if (moe == nullptr) return hidden_numbers(std::get<arch::FeedForward>(block.feed_forward));
  const auto pairs = static_cast<double>(std::min(moe->router.rule.experts_per_token, moe->experts));
  const double routing = 4 * static_cast<double>(std::max(moe->router.rows, moe->experts));
  const double shared = moe->shared ? hidden_numbers(moe->shared->network) + width : 0;
  return pairs * (2 * width + hidden_numbers(moe->expert)) + routing + shared;
}

}  // namespace

std::int64_t tokens_of_batch(std::int64_t batch, double tokens_each) {
  constexpr double kMost = 1e15;  // products of it stay in range
  return static_cast<std::int64_t>(std::min(kMost, static_cast<double>(batch) * tokens_each));
}

std::uint64_t activation_bytes(const arch::ModelSpec& spec, const StepShape& step) {
  const auto width = static_cast<double>(spec.width);
  double all = 2 * width, largest = 0;  // the embeddings and their norm
  for (const arch::BlockSpec& block : spec.blocks) {
    const double numbers = kStreamCopies * width + feed_forward_numbers(block, width) +
                           mixer_numbers(block.mixer, static_cast<double>(step.sequence_length));
    all += numbers;
    largest = std::max(largest, numbers);
  }
  const double logits = 2 * static_cast<double>(step.predictions) * static_cast<double>(step.outputs);
  constexpr double kMost = 9e18;
  const double bytes = sizeof(float) * (static_cast<double>(step.tokens) * (all + largest) + logits);
  return static_cast<std::uint64_t>(std::min(kMost, bytes));
}

void expect_training_memory(const Transformer& model, const StepShape& step) {
  const auto kept =
      static_cast<std::uint64_t>(kGradientAndMoments * static_cast<double>(parameter_count(model)));
  expect_memory(kept + activation_bytes(model.spec, step),
                fmt::format("a training step on {} tokens", step.tokens),
                "a smaller batch (--batch-tokens, --batch) or a shorter --seq-len needs less");
}

}  // namespace espalier::train
