#include "surgery/pieces.h"

#include <algorithm>

#include "surgery/conversion.h"
#include "surgery/token_experts.h"
#include "surgery/weight_sum.h"

namespace espalier {
Inputs open_inputs(const Layout& layout) {
  Inputs inputs;
  for (const auto& file : layout.inputs) inputs.emplace_back(file);
  return inputs;
}

void compute(const OutputPiece& piece, Dtype dtype, const Inputs& inputs, std::uint64_t begin,
             std::span<std::byte> out) {
  if (piece.kind == PieceKind::kZeros) {
    std::fill(out.begin(), out.end(), piece.fill);
    return;
  }
  if (piece.kind == PieceKind::kSum) return compute_sum(*piece.sum, piece.part, inputs, begin, out);
  if (piece.kind == PieceKind::kConverted)
    return compute_conversion(*piece.conversion, piece.part, inputs, begin, out);
  if (piece.kind == PieceKind::kRenumbered) {
    inputs[piece.source.file].read(piece.source.begin + begin, out);
    return renumber_experts(piece.number_of, dtype, out);
  }
  const std::size_t elements = out.size() / size_bytes(dtype);
  from_float32(dtype, std::span(piece.values).subspan(begin / size_bytes(dtype), elements), out);
}

}  // namespace espalier
