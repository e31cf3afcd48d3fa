#pragma once

#include <initializer_list>
#include <string>
#include <vector>

#include "formats/weight_format.h"

/// What codecs with scales beside their numbers have in common.
namespace espalier::formats {

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

/// Scales begin .. begin + count of a part in float32; bytes (U8) are powers of two, as E8M0 has them.
void read_scales(const Part& part, std::int64_t begin, std::int64_t count, float* to);
/// Throws UserError naming the part's tensor where one of these scales is NaN, infinite or zero.
void expect_scales(const Part& part, std::int64_t begin, std::int64_t count);
/// The scales that `bytes_of_rows` names.
void expect_scales_of_rows(const Weight& weight, std::size_t part, std::int64_t first, std::int64_t count);

/// A companion that must be there, of one of these dtypes. Throws UserError.
const Tensor& companion(const StoredTensors& stored, std::size_t part, std::string_view name,
                        std::initializer_list<Dtype> dtypes);
void expect_dtype(const StoredTensors& stored, const Tensor& tensor, std::initializer_list<Dtype> dtypes);
/// Throws UserError where a tensor is not of this shape, that of the numbers [rows, columns] which it belongs
/// to.
void expect_shape(const StoredTensors& stored, const Tensor& tensor, const Shape& expected, std::int64_t rows,
                  std::int64_t columns);
/// Throws UserError where the main tensor has not so many axes.
void expect_axes(const StoredTensors& stored, std::size_t axes);

/// Bytes of rows first .. first + count of a part that has `row` bytes for each.
inline ByteSpan rows_of(std::int64_t row, std::int64_t first, std::int64_t count) {
  return {static_cast<std::size_t>(first * row), static_cast<std::size_t>(count * row)};
}
/// All of a part.
inline ByteSpan all_of(const Weight& weight, std::size_t part) {
  return {0, weight.parts[part].bytes.size()};
}

}  // namespace espalier::formats
