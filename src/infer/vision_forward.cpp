#include <algorithm>
#include <cmath>
#include <utility>

#include "base/parallel.h"
#include "infer/finite.h"
#include "infer/vision.h"

namespace espalier::infer {
namespace {

constexpr std::int64_t kGrain = 1 << 16;  // floats of a thread

/// [B, S, S, 3] -> [B * patches, P * P * 3]
Buffer<float> patches_of(const VmoeConfig& config, std::int64_t B, const float* pixels) {
  const auto S = config.image_size, P = config.patch_size, G = S / P, row = P * 3;
  Buffer<float> patches(B * S * S * 3);
  for (std::int64_t b = 0; b < B; ++b)
    for (std::int64_t y = 0; y < S; ++y)
      for (std::int64_t g = 0; g < G; ++g)
        std::copy_n(pixels + ((b * S + y) * S + g * P) * 3, row,
                    patches.data() + ((b * G + y / P) * G + g) * P * row + y % P * row);
  return patches;
}

void add(std::int64_t count, const float* from, float* to) {
  parallel_for(count, kGrain, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t i = first; i < last; ++i) to[i] += from[i];
  });
}

/// One pass through the model.
class Pass {
 public:
  Pass(const VisionModel& model, std::int64_t images, const std::function<ExpertTap(std::int64_t block)>& tap)
      : model_(model), config_(model.config), images_(images), tap_(tap) {}

  Buffer<float> run(const float* pixels) {
    embed(pixels);
    for (std::int64_t l = 0; l < config_.num_hidden_layers; ++l) {
      if (members_ < config_.ensemble_size && config_.moe_in(l) != nullptr) repeat();
      block(l);
    }
    return classify();
  }

 private:
  std::int64_t tokens() const { return images_ * members_ * config_.positions(); }

  void embed(const float* pixels) {
    const auto D = model_.width(), patches = config_.patches(), T = config_.positions();
    const auto cut = patches_of(config_, images_, pixels);
    Buffer<float> embedded(images_ * patches * D);
    apply(model_.patch, images_ * patches, cut.data(), embedded.data());
    x_ = Buffer<float>(tokens() * D);
    for (std::int64_t b = 0; b < images_; ++b) {
      float* to = x_.data() + b * T * D;
      std::copy_n(model_.class_token.floats(), D, to);
      std::copy_n(embedded.data() + b * patches * D, patches * D, to + D);
      add(T * D, model_.position.floats(), to);
    }
  }

  /// Below the first MoE layer the members are the same.
  void repeat() {
    const auto one = x_.size();
    members_ = config_.ensemble_size;
    Buffer<float> all(one * members_);
    for (std::int64_t m = 0; m < members_; ++m) std::copy_n(x_.data(), one, all.data() + m * one);
    x_ = std::move(all);
  }

  void block(std::int64_t l) {
    const EncoderBlock& block = model_.blocks[static_cast<std::size_t>(l)];
    const auto N = tokens(), D = model_.width();
    float *normed = normed_.room(N * D), *y = y_.room(N * D);
    normalise(block.attention_norm, config_.layer_norm_eps, N, D, x_.data(), normed);
    attend(block, config_.num_attention_heads,
           SequenceLayout::uniform(images_ * members_, config_.positions()), normed, y);
    add(N * D, y, x_.data());
    normalise(block.feed_forward_norm, config_.layer_norm_eps, N, D, x_.data(), normed);
    const bool watched = tap_ && block.moe() != nullptr;
    feed_forward(
        block, N, normed, y,
        [&](const EncoderMoe& moe, std::int64_t n, const float* h) { return route_tokens(l, moe, n, h); },
        watched ? tap_(l) : ExpertTap{});
    add(N * D, y, x_.data());
    expect_finite_block(l, N * D, x_.data());
  }

  Routing route_tokens(std::int64_t l, const EncoderMoe& moe, std::int64_t n, const float* h) const {
    const VmoeLayer& layer = *config_.moe_in(l);
    const auto own_rows = layer.router_rows / config_.ensemble_size;
    const EncoderRouter router{.experts_per_token = config_.router == RouterKind::kTokenChoice
                                                        ? std::min(config_.num_experts_per_tok, own_rows)
                                                        : config_.num_experts_per_tok,
                               .capacity_factor = config_.capacity_factor,
                               .kind = config_.router,
                               .group_tokens = config_.positions(),
                               .capacity_experts = layer.capacity_experts,
                               .batch_prioritized = config_.batch_prioritized};
    return members_ == 1 ? route(router, moe.router, n, h)
                         : route_ensemble(router, moe.router, members_, n, h);
  }

  Buffer<float> classify() const {
    const auto D = model_.width(), rows = images_ * members_;
    Buffer<float> first(rows * D), scores(rows * model_.classifier.weight.out());
    for (std::int64_t i = 0; i < rows; ++i)
      std::copy_n(x_.data() + i * config_.positions() * D, D, first.data() + i * D);
    normalise(model_.norm, config_.layer_norm_eps, rows, D, first.data(), first.data());
    apply(model_.classifier, rows, first.data(), scores.data());
    expect_finite_outputs(scores.size(), scores.data());
    return scores;
  }

  const VisionModel& model_;
  const VmoeConfig& config_;
  std::int64_t images_, members_ = 1;
  const std::function<ExpertTap(std::int64_t block)>& tap_;
  Buffer<float> x_, normed_, y_;  // [N, D]
};

}  // namespace

Buffer<float> classify_images(const VisionModel& model, std::int64_t B, const float* pixels,
                              const std::function<ExpertTap(std::int64_t block)>& tap) {
  return Pass(model, B, tap).run(pixels);
}

Buffer<float> ensemble_log_probabilities(const Buffer<float>& scores, std::int64_t members,
                                         std::int64_t labels) {
  const auto B = scores.size() / (members * labels);
  Buffer<float> result(B * labels);
  std::vector<double> mean(static_cast<std::size_t>(labels));
  for (std::int64_t b = 0; b < B; ++b) {
    std::fill(mean.begin(), mean.end(), 0.0);
    for (std::int64_t m = 0; m < members; ++m) {
      const float* row = scores.data() + (m * B + b) * labels;
      const double largest = static_cast<double>(*std::max_element(row, row + labels));
      double sum = 0;
      for (std::int64_t c = 0; c < labels; ++c) sum += std::exp(static_cast<double>(row[c]) - largest);
      for (std::int64_t c = 0; c < labels; ++c) {
        const double probability = std::exp(static_cast<double>(row[c]) - largest) / sum;
        mean[static_cast<std::size_t>(c)] += probability / static_cast<double>(members);
      }
    }
    for (std::int64_t c = 0; c < labels; ++c)
      result[b * labels + c] = static_cast<float>(std::log(mean[static_cast<std::size_t>(c)]));
  }
  return result;
}

}  // namespace espalier::infer
