#include "surgery/scaled_sum.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "formats/fp8_numbers.h"

namespace espalier {
namespace {

/// One row of blocks of the sum.
class BlockRow {
 public:
  BlockRow(const OutputPiece& piece, const Inputs& inputs)
      : piece_(piece), of_(piece.scaled), inputs_(inputs) {}

  /// [rows, C] float32 of block row `b`, and the scales of its blocks.
  void read(std::int64_t b) {
    first_ = b * of_.block_rows;
    rows_ = std::min(of_.block_rows, of_.rows - first_);
    sum_.assign(static_cast<std::size_t>(rows_ * of_.columns), 0.0F);
    for (const WeightedRange& term : piece_.terms) add(term, b);
    set_scales();
  }
  const std::vector<std::byte>& scale_bytes() const { return scale_bytes_; }

  std::byte stored(std::int64_t row, std::int64_t column) const {
    const float value = sum_[static_cast<std::size_t>(row * of_.columns + column)];
    return formats::to_fp8(of_.dtype, value / scales_[static_cast<std::size_t>(column / of_.block_columns)]);
  }

 private:
  std::size_t blocks() const {
    return static_cast<std::size_t>((of_.columns + of_.block_columns - 1) / of_.block_columns);
  }

  /// Scales of one term or of the sum: a row of blocks of the tensor of scales.
  std::uint64_t scale_row_bytes() const { return blocks() * size_bytes(of_.scale_dtype); }

  void add(const WeightedRange& term, std::int64_t b) {
    std::vector<std::byte> bytes(sum_.size()), scale_bytes(scale_row_bytes());
    inputs_[term.range.file].read(term.range.begin + static_cast<std::uint64_t>(first_ * of_.columns), bytes);
    inputs_[term.scales.file].read(term.scales.begin + static_cast<std::uint64_t>(b) * scale_row_bytes(),
                                   scale_bytes);
    std::vector<float> values(sum_.size()), scales(blocks());
    to_float32(of_.dtype, bytes, values);
    to_float32(of_.scale_dtype, scale_bytes, scales);
    for (std::int64_t row = 0, i = 0; row < rows_; ++row) {
      for (std::int64_t column = 0; column < of_.columns; ++column, ++i) {
        const float scale = scales[static_cast<std::size_t>(column / of_.block_columns)];
        sum_[static_cast<std::size_t>(i)] += term.weight * scale * values[static_cast<std::size_t>(i)];
      }
    }
  }

  /// Rounded to their dtype before anything is divided by them.
  void set_scales() {
    std::vector<float> largest(blocks(), 0.0F);
    for (std::size_t i = 0; i < sum_.size(); ++i) {
      float& of_block =
          largest[i % static_cast<std::size_t>(of_.columns) / static_cast<std::size_t>(of_.block_columns)];
      of_block = std::max(of_block, std::fabs(sum_[i]));
    }
    for (float& value : largest) value = value > 0 ? value / formats::largest_fp8(of_.dtype) : 1.0F;
    scale_bytes_.resize(scale_row_bytes());
    from_float32(of_.scale_dtype, largest, scale_bytes_);
    scales_.resize(blocks());
    to_float32(of_.scale_dtype, scale_bytes_, scales_);
  }

  const OutputPiece& piece_;
  const ScaledMatrix& of_;
  const Inputs& inputs_;
  std::int64_t first_ = 0, rows_ = 0;
  std::vector<float> sum_, scales_;
  std::vector<std::byte> scale_bytes_;
};

}  // namespace

void compute_scaled(const OutputPiece& piece, const Inputs& inputs, std::uint64_t begin,
                    std::span<std::byte> out) {
  const ScaledMatrix& of = piece.scaled;
  BlockRow block(piece, inputs);
  const std::int64_t end = static_cast<std::int64_t>(begin + out.size());
  std::int64_t at = 0;  // byte of the piece where the block row begins
  for (std::int64_t b = 0; b * of.block_rows < of.rows && at < end; ++b) {
    const std::int64_t rows = std::min(of.block_rows, of.rows - b * of.block_rows);
    const std::int64_t blocks = (of.columns + of.block_columns - 1) / of.block_columns;
    const std::int64_t size = piece.kind == PieceKind::kScaledSum
                                  ? rows * of.columns
                                  : blocks * static_cast<std::int64_t>(size_bytes(of.scale_dtype));
    const std::int64_t from = std::max(at, static_cast<std::int64_t>(begin)), to = std::min(at + size, end);
    if (from < to) block.read(b);
    for (std::int64_t byte = from; byte < to; ++byte) {
      const std::int64_t inside = byte - at;
      out[static_cast<std::size_t>(byte - static_cast<std::int64_t>(begin))] =
          piece.kind == PieceKind::kScaledSum ? block.stored(inside / of.columns, inside % of.columns)
                                              : block.scale_bytes()[static_cast<std::size_t>(inside)];
    }
    at += size;
  }
}

}  // namespace espalier
