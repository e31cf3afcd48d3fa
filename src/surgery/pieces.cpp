#include "surgery/pieces.h"

#include <algorithm>

#include "surgery/scaled_sum.h"

namespace espalier {
namespace {

/// sum += weight * values
void accumulate(std::span<float> sum, float weight, std::span<const float> values) {
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += weight * values[i];
}

/// Bytes [begin, begin + out.size()) of a term in its order, row by row.
void read_ordered(const WeightedRange& term, const OutputPiece& piece, std::size_t width,
                  const Inputs& inputs, std::uint64_t begin, std::span<std::byte> out) {
  const InputFile& file = inputs[term.range.file];
  const std::uint64_t row_bytes = piece.columns * width;
  std::vector<std::byte> row(row_bytes);
  for (std::uint64_t at = begin; at < begin + out.size();) {
    const std::uint64_t r = at / row_bytes, inside = at % row_bytes;
    const std::uint64_t step = std::min(row_bytes - inside, begin + out.size() - at);
    const auto to = out.subspan(at - begin, step);
    if (piece.order_axis == NeuronAxis::kRows) {
      const auto source = static_cast<std::uint64_t>((*term.order)[r]);
      file.read(term.range.begin + source * row_bytes + inside, to);
    } else {
      file.read(term.range.begin + r * row_bytes, row);
      for (std::uint64_t i = 0; i < step; i += width) {
        const auto source = static_cast<std::uint64_t>((*term.order)[(inside + i) / width]);
        std::copy_n(row.begin() + static_cast<std::ptrdiff_t>(source * width), width,
                    to.begin() + static_cast<std::ptrdiff_t>(i));
      }
    }
    at += step;
  }
}

void read_term(const WeightedRange& term, const OutputPiece& piece, std::size_t width, const Inputs& inputs,
               std::uint64_t begin, std::span<std::byte> out) {
  if (term.order == nullptr)
    inputs[term.range.file].read(term.range.begin + begin, out);
  else
    read_ordered(term, piece, width, inputs, begin, out);
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
  if (piece.kind == PieceKind::kScaledSum || piece.kind == PieceKind::kScaleOfSum)
    return compute_scaled(piece, inputs, begin, out);
  const std::size_t elements = out.size() / size_bytes(dtype);
  if (piece.kind == PieceKind::kValues)
    return from_float32(dtype, std::span(piece.values).subspan(begin / size_bytes(dtype), elements), out);
  std::vector<float> sum(elements, 0.0F), values(elements);
  std::vector<std::byte> bytes(out.size());
  for (const WeightedRange& term : piece.terms) {
    read_term(term, piece, size_bytes(dtype), inputs, begin, bytes);
    to_float32(dtype, bytes, values);
    accumulate(sum, term.weight, values);
  }
  from_float32(dtype, sum, out);
}

}  // namespace espalier
