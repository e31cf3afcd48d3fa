#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "artifacts/observations.h"
#include "base/buffer.h"
#include "infer/encoder_experts.h"
#include "infer/experts.h"

namespace espalier {

/// What is taken from inputs that every expert of a layer computes.
struct SimilarityOptions {
  bool moments = false;        ///< sums of outputs and of their products
  bool cross_moments = false;  ///< those of linear CKA too
  /// R of the cross-moments; absent: D where E D is no more than `kMomentFloats`, else that over E.
  std::optional<std::int64_t> projected;
  std::int64_t samples = 0;            ///< single tokens that are kept
  std::optional<std::int64_t> tokens;  ///< that all experts compute; absent: all of them
  std::uint64_t seed = 0;              ///< of the projection

  bool any() const { return moments || cross_moments || samples > 0; }
};

/// Largest E R of cross-moments by default: 17 MB of float64 a layer.
constexpr std::int64_t kMomentFloats = 2048;

/// Whether item `n` of `all` is one of `wanted` that are spread evenly over them.
constexpr bool is_spread(std::int64_t n, std::int64_t wanted, std::int64_t all) {
  return (n + 1) * wanted / all > n * wanted / all;
}

/// The experts of a layer, whatever they are made of.
struct EveryExpert {
  std::int64_t experts = 0, width = 0;  // E, D
  /// out [rows, D] = what expert e gives for some rows of x [N, D].
  std::function<void(std::int64_t e, std::span<const std::int32_t> rows, const float* x, float* out)> run;
};
/// The layer is referred to.
EveryExpert every_expert(const infer::DecoderMoe& moe);
EveryExpert every_expert(const infer::EncoderMoe& moe);

/// Runs inputs through every expert of a layer and keeps sums alone. Inputs go in tiles that all experts
/// compute one after another, so that the outputs of a tile, [E, T, D], take half a GB at most whatever N.
class EveryExpertObserver {
 public:
  /// `all`: inputs that will come in all.
  EveryExpertObserver(EveryExpert experts, std::int64_t layer, std::int64_t all,
                      const SimilarityOptions& options);

  /// The next inputs x [N, D], and what the router chose (null: probes). Throws UserError naming an expert
  /// whose output is not finite.
  void add(std::int64_t N, const float* x, const infer::RoutingView* routing);
  const ExpertMoments& moments() const { return moments_; }
  const TokenSamples& samples() const { return samples_; }

 private:
  void compute(std::span<const std::int32_t> rows, const float* x);
  void sum_products(std::int64_t rows);
  void sum_cross_moments(std::int64_t rows);
  void keep_sample(std::int64_t row, std::int64_t rows, std::int64_t token,
                   const infer::RoutingView& routing);

  EveryExpert every_;
  std::int64_t layer_, all_, wanted_, next_ = 0, taken_ = 0;
  SimilarityOptions options_;
  std::int64_t experts_, width_, tile_rows_;
  Buffer<float> outputs_;     // [E, T, D]
  Buffer<float> projection_;  // [D, R]; empty where R = D
  Buffer<float> projected_;   // [T, E R]
  ExpertMoments moments_;
  TokenSamples samples_;
};

}  // namespace espalier
