#pragma once

#include "unit/formats/format_case.h"
#include "unit/formats/packed_cases.h"

namespace espalier::formats {

inline FormatCase dense_case(Dtype dtype, std::vector<std::int64_t> shape) {
  FormatCase result;
  result.format = "dense";
  result.name = "dense_" + std::string(name(dtype)) + "_" + std::to_string(shape.size()) + "d";
  result.columns = shape.back();
  result.rows = 1;
  for (std::size_t i = 0; i + 1 < shape.size(); ++i) result.rows *= shape[i];
  std::vector<float> values = random_floats(static_cast<std::size_t>(result.rows * result.columns), 1);
  std::vector<std::byte> bytes(values.size() * size_bytes(dtype));
  from_float32(dtype, values, bytes);
  to_float32(dtype, bytes, values);  // rounded
  result.values = {values.begin(), values.end()};
  result.tensors.add("w.weight", dtype, std::move(shape), std::move(bytes));
  return result;
}

/// Scales of one for each block of a matrix [R, C], `matrices` of them one after another.
struct Fp8Case {
  std::string name;
  Dtype dtype = Dtype::kF8E4M3, scale_dtype = Dtype::kF32;
  std::vector<std::int64_t> shape, scale_shape;
  std::int64_t block_rows = 3, block_columns = 5;  ///< those that the scales' shape implies
  std::string scale = "w.weight_scale_inv";
};

inline FormatCase fp8_case(const Fp8Case& of) {
  const std::int64_t C = of.shape.back(), R = of.shape.size() < 2 ? 1 : of.shape[of.shape.size() - 2];
  const std::int64_t matrices = of.shape.size() < 3 ? 1 : of.shape.front();
  FormatCase result{of.name, "fp8_block", {}, matrices * R, C, {}, of.scale};
  result.tensors.quantization.block_rows = of.block_rows;
  result.tensors.quantization.block_columns = of.block_columns;
  Rng rng(2);
  std::vector<std::byte> numbers;
  const unsigned finite = of.dtype == Dtype::kF8E4M3 ? 0x7f : 0x7c;  // without infinities and NaN
  for (std::int64_t i = 0; i < result.rows * C; ++i)
    numbers.push_back(static_cast<std::byte>(rng.below(finite) | (rng.below(2) << 7)));
  std::int64_t scale_count = 1;
  for (const std::int64_t size : of.scale_shape) scale_count *= size;
  std::vector<float> scales = random_floats(static_cast<std::size_t>(scale_count), 3);
  std::vector<std::byte> rounded(scales.size() * size_bytes(of.scale_dtype));
  from_float32(of.scale_dtype, scales, rounded);
  to_float32(of.scale_dtype, rounded, scales);
  const std::int64_t down = (R + of.block_rows - 1) / of.block_rows,
                     across = (C + of.block_columns - 1) / of.block_columns;
  for (std::int64_t row = 0, i = 0; row < result.rows; ++row) {
    for (std::int64_t column = 0; column < C; ++column, ++i) {
      const std::int64_t block =
          (row / R * down + row % R / of.block_rows) * across + column / of.block_columns;
      const double number =
          fp8_meaning(numbers[static_cast<std::size_t>(i)], of.dtype == Dtype::kF8E4M3 ? 3 : 2);
      const double scale =
          static_cast<double>(scales[static_cast<std::size_t>(scale_count == 1 ? 0 : block)]);
      result.values.push_back(number * scale);
    }
  }
  result.tensors.add("w.weight", of.dtype, of.shape, std::move(numbers));
  result.tensors.add(of.scale, of.scale_dtype, of.scale_shape, std::move(rounded));
  return result;
}

struct StoredShape {
  std::string name;
  Dtype dtype = Dtype::kU8;
  std::vector<std::int64_t> shape;
};

/// A format that is counted only: tensors of zeros that stand for [rows, columns].
inline FormatCase counted_case(std::string name, std::string format, std::int64_t rows, std::int64_t columns,
                               const std::vector<StoredShape>& tensors, std::string method = "") {
  FormatCase result{std::move(name), std::move(format), {}, rows, columns, {}};
  result.tensors.quantization.method = std::move(method);
  for (const StoredShape& tensor : tensors) {
    std::size_t bytes = size_bytes(tensor.dtype);
    for (const std::int64_t size : tensor.shape) bytes *= static_cast<std::size_t>(size);
    result.tensors.add("w." + tensor.name, tensor.dtype, tensor.shape, std::vector<std::byte>(bytes));
  }
  return result;
}

/// At least one for each format.
inline std::vector<FormatCase> format_cases() {
  constexpr Dtype kE5M2 = Dtype::kF8E5M2, kE4M3 = Dtype::kF8E4M3, kF32 = Dtype::kF32, kU8 = Dtype::kU8;
  std::vector<FormatCase> cases{
      dense_case(Dtype::kF32, {5, 7}),
      dense_case(Dtype::kF32, {9}),
      dense_case(Dtype::kBF16, {3, 5, 7}),
      dense_case(Dtype::kF16, {5, 7}),
      fp8_case({"fp8_blocks", kE4M3, kF32, {6, 10}, {2, 2}}),
      fp8_case({"fp8_cut_blocks", kE4M3, kF32, {7, 12}, {3, 3}}),
      fp8_case({"fp8_large_blocks", kE4M3, kF32, {200, 300}, {2, 3}, 128, 128}),
      fp8_case({"fp8_bf16_scales", kE4M3, Dtype::kBF16, {7, 12}, {3, 3}}),
      fp8_case({"fp8_f16_scales", kE4M3, Dtype::kF16, {7, 12}, {3, 3}}),
      fp8_case({"fp8_e5m2", kE5M2, kF32, {7, 12}, {3, 3}}),
      fp8_case({"fp8_stacked", kE4M3, kF32, {4, 7, 12}, {4, 3, 3}}),
      fp8_case({"fp8_rows", kE4M3, kF32, {7, 12}, {7, 1}, 1, 12, "w.weight_scale"}),
      fp8_case({"fp8_rows_in_a_vector", kE4M3, kF32, {7, 12}, {7}, 1, 12, "w.weight_scale"}),
      fp8_case({"fp8_rows_stacked", kE4M3, kF32, {4, 7, 12}, {4, 7, 1}, 1, 12, "w.weight_scale"}),
      fp8_case({"fp8_one_scale", kE4M3, kF32, {7, 12}, {1}, 7, 12, "w.weight_scale"}),
      counted_case("counted_fp4", "fp4_bytes", 6, 32,
                   {{"weight", kU8, {96, 1}}, {"weight.absmax", kF32, {2}}}, "bitsandbytes"),
      counted_case("counted_int8", "int8", 6, 32,
                   {{"weight", Dtype::kI8, {6, 32}}, {"weight_scale", kF32, {6, 1}}}),
      fp8_case({"fp8_one_scale_stacked", kE4M3, kF32, {4, 7, 12}, {}, 7, 12, "w.weight_scale"}),
  };
  for (FormatCase& of : packed_cases()) cases.push_back(std::move(of));
  for (std::size_t i = 0; i < cases.size(); ++i)  // two of one name
    for (std::size_t j = 0; j < i; ++j)
      if (cases[j].name == cases[i].name) cases[i].name += "_again";
  return cases;
}

}  // namespace espalier::formats
