#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace espalier {

/// Place of the pair (i, j), i <= j, among the P = E (E + 1) / 2 pairs of a layer: (0,0), (0,1), .. (1,1), ..
constexpr std::size_t pair_index(std::size_t i, std::size_t j, std::size_t experts) {
  return i * experts - i * (i + 1) / 2 + j;
}
constexpr std::size_t pair_count(std::size_t experts) {
  return experts * (experts + 1) / 2;
}

/// Sums over inputs that EVERY expert of a layer computed, whatever the router chose: f_i(x) is the output
/// of expert i, z_i(x) = f_i(x) Q with a fixed random Q [D, R] of variance 1 / R, or f_i(x) itself where R =
/// D. Raw moments: they add up over files, and their size does not depend on the number of inputs.
struct ExpertMoments {
  double inputs = 0.0;                     ///< N tokens or probes
  std::size_t projected = 0;               ///< R; 0: no cross-moments
  std::uint64_t seed = 0;                  ///< of Q (R < D) and of the probes
  std::vector<double> output_sum;          ///< [E * D] sum of f_i
  std::vector<double> output_product_sum;  ///< [E * E] sum of <f_i, f_j>
  std::vector<double> projected_sum;       ///< [E * R] sum of z_i
  std::vector<double> cross_moment;        ///< [P * R * R] sum of z_i z_j^T for i <= j

  void resize(std::size_t experts, std::size_t width);
  /// Sums of `other` times `weight`. E, D, R and seed are the same.
  void add(const ExpertMoments& other, double weight);
};

/// What every expert gives for some single tokens: enough to compute the layer's output, and how far that of
/// any subset or mixture of experts is from it, without the experts. S tokens.
struct TokenSamples {
  std::vector<double> weight;   ///< [S] 1 unless merged
  std::vector<float> logits;    ///< [S * E] of the router
  std::vector<float> gates;     ///< [S * E] that the model multiplied with; 0 where not routed
  std::vector<float> products;  ///< [S * P] <f_i, f_j>

  std::size_t tokens() const { return weight.size(); }
};

/// One tensor of the above in a file, for reading, writing and checking.
struct MomentField {
  std::string_view name;
  std::vector<double> ExpertMoments::*values;
  enum class Shape { kExpertsByWidth, kExpertsByExperts, kExpertsByProjected, kPairsByProjected } shape;

  std::vector<std::int64_t> dimensions(std::size_t experts, std::size_t width, std::size_t projected) const;
  std::size_t size(std::size_t experts, std::size_t width, std::size_t projected) const;
};
std::span<const MomentField> moment_fields();

}  // namespace espalier
