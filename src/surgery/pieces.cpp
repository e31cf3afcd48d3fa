#include "surgery/pieces.h"

#include <algorithm>

namespace espalier {
namespace {

/// sum += weight * values
void accumulate(std::span<float> sum, float weight, std::span<const float> values) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += weight * values[i];
}

}  // namespace

Inputs open_inputs(const Layout& layout) {
  Inputs inputs;
  for (const auto& file : layout.inputs) inputs.emplace_back(file);
  return inputs;
}

void compute(const OutputPiece& piece, Dtype dtype, const Inputs& inputs, std::uint64_t begin,
             std::span<std::byte> out) {
  if (piece.kind == PieceKind::kZeros) {
    std::fill(out.begin(), out.end(), std::byte{0});
    return;
  }
  const std::size_t elements = out.size() / size_bytes(dtype);
  std::vector<float> sum(elements, 0.0F), values(elements);
  std::vector<std::byte> bytes(out.size());
  for (const WeightedRange& term : piece.terms) {
    inputs[term.range.file].read(term.range.begin + begin, bytes);
    to_float32(dtype, bytes, values);
    accumulate(sum, term.weight, values);
  }
  from_float32(dtype, sum, out);
}

}  // namespace espalier
