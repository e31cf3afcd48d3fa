#include "formats/weight.h"

#include <fmt/format.h>

#include "base/error.h"
#include "formats/weight_format.h"

namespace espalier::formats {
namespace {

void check_rows(const Weight& weight, std::int64_t first, std::int64_t count) {
  if (first >= 0 && count >= 0 && first <= weight.rows - count) return;
  throw InternalError(
      fmt::format("rows {} to {} of a weight of {} ({})", first, first + count, weight.rows, weight.name));
}

}  // namespace

void Weight::decode_rows(std::int64_t first, std::int64_t count, float* to) const {
  check(first, count);
  decode_checked_rows(first, count, to);
}

void Weight::check(std::int64_t first, std::int64_t count) const {
  check_rows(*this, first, count);
  if (format->check == nullptr || count == 0) return;
  format->check(*this, first_row + first * row_step, (count - 1) * row_step + 1);
}

void Weight::decode_checked_rows(std::int64_t first, std::int64_t count, float* to) const {
  check_rows(*this, first, count);
  if (row_step == 1) return format->decode_rows(*this, first_row + first, count, to);
  for (std::int64_t row = 0; row < count; ++row)
    format->decode_rows(*this, first_row + (first + row) * row_step, 1, to + row * columns);
}

Weight Weight::slice(std::int64_t first, std::int64_t count) const {
  return every(first, 1, count);
}

Weight Weight::every(std::int64_t first, std::int64_t step, std::int64_t count) const {
  check_rows(*this, first, count == 0 ? 0 : (count - 1) * step + 1);
  Weight result = *this;
  result.first_row += first * row_step;
  result.row_step *= step;
  result.rows = count;
  return result;
}

std::span<const std::byte> Weight::bytes(std::size_t part) const {
  const ByteSpan span =
      format->bytes_of_rows(*this, part, first_row, rows == 0 ? 0 : (rows - 1) * row_step + 1);
  return parts[part].bytes.subspan(span.begin, span.size);
}

const float* Weight::floats() const {
  if (format != &weight_formats().back() || main().dtype != Dtype::kF32) return nullptr;
  const std::byte* begin = bytes().data();
  const bool aligned = reinterpret_cast<std::uintptr_t>(begin) % alignof(float) == 0;
  return aligned ? reinterpret_cast<const float*>(begin) : nullptr;
}

Weight weight_of_rows(const Weight& like, std::int64_t count, const StoredRows& bytes) {
  Weight result = like;
  result.first_row = 0;
  result.rows = result.matrix_rows = count;
  for (std::size_t part = 0; part < bytes.size(); ++part) result.parts[part].bytes = bytes[part];
  return result;
}

void set_shape(Weight& weight, std::span<const std::int64_t> shape) {
  weight.rows = weight.columns = weight.matrix_rows = 1;
  if (!shape.empty()) weight.columns = shape.back();
  if (shape.size() >= 2) weight.matrix_rows = shape[shape.size() - 2];
  for (std::size_t axis = 0; axis + 1 < shape.size(); ++axis) weight.rows *= shape[axis];
}

}  // namespace espalier::formats
