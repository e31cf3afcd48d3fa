#include "prune/keep_sizes.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "prune/decimal.h"

namespace espalier {

std::int64_t part_of(double fraction, std::int64_t count) {
  const Fraction part = decimal_fraction(fraction);
  return static_cast<std::int64_t>((2 * part.numerator * count + part.denominator) / (2 * part.denominator));
}

std::uint64_t expert_bytes(const LayerScores& layer) {
  if (layer.expert_bytes) return *layer.expert_bytes;
  throw UserError(fmt::format("scores: block {} has no expert_bytes", layer.layer),
                  "name the model with --model, or keep a count or a fraction");
}

std::uint64_t bytes_kept(const std::vector<LayerCandidates>& layers, const Scores& scores,
                         const std::vector<int>& kept) {
  unsigned __int128 bytes = 0;
  for (const LayerScores& layer : scores.layers) {
    std::uint64_t count = layer.scores.size();
    for (std::size_t i = 0; i < layers.size(); ++i) {
      if (layers[i].scores == &layer) count = static_cast<std::uint64_t>(layers[i].groups * kept[i]);
    }
    bytes += static_cast<unsigned __int128>(count) * expert_bytes(layer);
  }
  return static_cast<std::uint64_t>(std::min<unsigned __int128>(bytes, UINT64_MAX));
}

[[noreturn]] void too_few_bytes(std::uint64_t bytes, std::uint64_t least) {
  throw UserError(fmt::format("keep {} bytes of experts: at least {} must stay", bytes, least),
                  "allow more bytes, or lower --experts-per-token");
}

}  // namespace espalier
