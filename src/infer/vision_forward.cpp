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
Buffer<float> patches_of(const arch::ImageInput& image, std::int64_t B, const float* pixels) {
  const auto S = image.image_size, P = image.patch_size, G = S / P, row = P * 3;
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
      : model_(model), spec_(model.spec), images_(images), tap_(tap) {}

  Buffer<float> run(const float* pixels) {
    embed(pixels);
    for (std::int64_t l = 0; l < spec_.layers(); ++l) {
      if (members_ < spec_.members && spec_.block(l).moe() != nullptr) repeat();
      block(l);
    }
    return classify();
  }

 private:
  std::int64_t tokens() const { return images_ * members_ * spec_.positions(); }

  void embed(const float* pixels) {
    const auto D = model_.width(), patches = spec_.image().patches(), T = spec_.positions();
    const auto cut = patches_of(spec_.image(), images_, pixels);
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
    members_ = spec_.members;
    Buffer<float> all(one * members_);
    for (std::int64_t m = 0; m < members_; ++m) std::copy_n(x_.data(), one, all.data() + m * one);
    x_ = std::move(all);
  }

  void block(std::int64_t l) {
    const EncoderBlock& block = model_.blocks[static_cast<std::size_t>(l)];
    const arch::BlockSpec& spec = spec_.block(l);
    const auto N = tokens(), D = model_.width();
    float *normed = normed_.room(N * D), *y = y_.room(N * D);
    normalise(block.attention_norm, spec.norm.epsilon, N, D, x_.data(), normed);
    attend(block, arch::heads_of(spec.mixer), SequenceLayout::uniform(images_ * members_, spec_.positions()),
           normed, y);
    add(N * D, y, x_.data());
    normalise(block.feed_forward_norm, spec.norm.epsilon, N, D, x_.data(), normed);
    const bool watched = tap_ && block.moe() != nullptr;
    feed_forward(
        block, N, normed, y,
        [&](const EncoderMoe& moe, std::int64_t n, const float* h) {
          return route_tokens(spec.moe()->router, moe.router, n, h);
        },
        watched ? tap_(l) : ExpertTap{});
    add(N * D, y, x_.data());
    expect_finite_block(l, N * D, x_.data());
  }

  Routing route_tokens(const arch::Router& router, const StoredWeight& weight, std::int64_t n,
                       const float* h) const {
    const auto image = spec_.positions();
    return members_ == 1 ? route(router, weight, n, h, image)
                         : route_ensemble(router, weight, members_, n, h, image);
  }

  Buffer<float> classify() const {
    const auto D = model_.width(), rows = images_ * members_;
    Buffer<float> first(rows * D), scores(rows * model_.classifier.weight.out());
    for (std::int64_t i = 0; i < rows; ++i)
      std::copy_n(x_.data() + i * spec_.positions() * D, D, first.data() + i * D);
    normalise(model_.norm, spec_.final_norm->epsilon, rows, D, first.data(), first.data());
    apply(model_.classifier, rows, first.data(), scores.data());
    expect_finite_outputs(scores.size(), scores.data());
    return scores;
  }

  const VisionModel& model_;
  const arch::ModelSpec& spec_;
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
