#pragma once

#include <cmath>

#include "unit/formats/format_case.h"

/// Weights in packed formats with what they stand for, number by number from the definition.
namespace espalier::formats {

inline std::vector<std::byte> random_bytes(std::int64_t count, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<std::byte> bytes;
  for (std::int64_t i = 0; i < count; ++i) bytes.push_back(static_cast<std::byte>(rng.below(256)));
  return bytes;
}

inline double e2m1_meaning(unsigned code) {
  const unsigned exponent = code >> 1 & 3, fraction = code & 1;
  const double size =
      exponent == 0 ? fraction * 0.5 : std::ldexp(1 + fraction * 0.5, static_cast<int>(exponent) - 1);
  return (code & 8) != 0 ? -size : size;
}

/// Number `i` of `bits` bits, the first in the lowest bits of the first byte.
inline unsigned stored_number(const std::vector<std::byte>& bytes, std::int64_t bits, std::int64_t i) {
  unsigned result = 0;
  for (std::int64_t bit = 0; bit < bits; ++bit) {
    const std::int64_t at = i * bits + bit;
    result |= (static_cast<unsigned>(bytes[static_cast<std::size_t>(at / 8)]) >> (at % 8) & 1U) << bit;
  }
  return result;
}

/// FP4 with power-of-two scales for each 32.
inline FormatCase mxfp4_case(std::string name, std::string format, std::vector<std::int64_t> shape,
                             std::vector<std::int64_t> scale_shape, std::string main, Dtype dtype,
                             std::string scale, Dtype scale_dtype) {
  FormatCase result{std::move(name), std::move(format), {}, 1, scale_shape.back() * 32, {}, scale};
  for (std::size_t i = 0; i + 1 < scale_shape.size(); ++i) result.rows *= scale_shape[i];
  const auto codes = random_bytes(result.rows * result.columns / 2, 5);
  auto scales = random_bytes(result.rows * scale_shape.back(), 6);
  for (std::byte& byte : scales) byte = static_cast<std::byte>(100 + static_cast<int>(byte) % 50);
  scales.front() = std::byte{0};  // 2^-127
  for (std::int64_t i = 0; i < result.rows * result.columns; ++i)
    result.values.push_back(
        e2m1_meaning(stored_number(codes, 4, i)) *
        std::ldexp(1.0, static_cast<int>(scales[static_cast<std::size_t>(i / 32)]) - 127));
  result.tensors.add(main, dtype, std::move(shape), codes);
  result.tensors.add(scale, scale_dtype, std::move(scale_shape), scales);
  if (dtype == Dtype::kI8) result.tensors.quantization.method = "fp8";
  return result;
}

/// FP4 with E4M3 scales for each 16, and one for all: by which values are divided, or multiplied (modelopt).
inline FormatCase nvfp4_case(bool modelopt, std::int64_t rows, std::int64_t columns) {
  FormatCase result{modelopt ? "nvfp4_modelopt" : "nvfp4",
                    modelopt ? "nvfp4_modelopt" : "nvfp4",
                    {},
                    rows,
                    columns,
                    {},
                    "w.weight_scale"};
  const std::int64_t groups = (columns + 15) / 16;
  const auto codes = random_bytes(rows * columns / 2, 7);
  auto scales = random_bytes(rows * groups, 8);
  for (std::byte& byte : scales) byte = static_cast<std::byte>(1 + static_cast<int>(byte) % 0x7e);
  const float global = modelopt ? 0.0123F : 321.7F;
  for (std::int64_t row = 0; row < rows; ++row)
    for (std::int64_t i = 0; i < columns; ++i) {
      const double product = e2m1_meaning(stored_number(codes, 4, row * columns + i)) *
                             fp8_meaning(scales[static_cast<std::size_t>(row * groups + i / 16)], 3);
      result.values.push_back(modelopt ? product * static_cast<double>(global)
                                       : product / static_cast<double>(global));
    }
  result.tensors.add(modelopt ? "w.weight" : "w.weight_packed", Dtype::kU8, {rows, columns / 2}, codes);
  result.tensors.add("w.weight_scale", Dtype::kF8E4M3, {rows, groups}, scales);
  result.tensors.add_floats(modelopt ? "w.weight_scale_2" : "w.weight_global_scale", Dtype::kF32,
                            modelopt ? std::vector<std::int64_t>{} : std::vector<std::int64_t>{1}, {global});
  result.tensors.add_floats(modelopt ? "w.input_scale" : "w.input_global_scale", Dtype::kF32, {1}, {2.0F});
  return result;
}

struct IntegerCase {
  std::string name, method;  ///< "compressed-tensors", "gptq", "gptq_v2", "awq"
  std::int64_t rows, columns, bits, group;
  bool zeros = false, order = false;
};

/// What an integer case is made of: `integers` [rows, columns], `zeros` [rows, groups], `order` [columns].
struct Integers {
  std::vector<unsigned> integers, zeros;
  std::vector<float> scales;
  std::vector<std::int64_t> order;
  std::int64_t groups = 0;
};

inline Integers random_integers(const IntegerCase& of, Dtype scale_dtype) {
  Rng rng(9);
  Integers result;
  result.groups = (of.columns + of.group - 1) / of.group;
  const unsigned codes = 1U << of.bits;
  for (std::int64_t i = 0; i < of.rows * of.columns; ++i)
    result.integers.push_back(static_cast<unsigned>(rng.below(codes)));
  for (std::int64_t i = 0; i < of.rows * result.groups; ++i)
    result.zeros.push_back(of.zeros ? static_cast<unsigned>(rng.below(codes)) : codes / 2);
  result.scales = random_floats(static_cast<std::size_t>(of.rows * result.groups), 10);
  std::vector<std::byte> rounded(result.scales.size() * size_bytes(scale_dtype));
  from_float32(scale_dtype, result.scales, rounded);
  to_float32(scale_dtype, rounded, result.scales);
  for (std::int64_t i = 0; i < of.columns; ++i)
    result.order.push_back(
        of.order ? static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(result.groups)))
                 : i / of.group);
  return result;
}

/// Words [outer, inner] of 32 bits: `number(outer, inner, k)` is the k-th in a word.
template <typename Number>
std::vector<std::byte> words_of(std::int64_t outer, std::int64_t inner, std::int64_t bits, Number number) {
  std::vector<std::byte> bytes;
  for (std::int64_t o = 0; o < outer; ++o)
    for (std::int64_t i = 0; i < inner; ++i) {
      std::uint32_t word = 0;
      for (std::int64_t k = 0; k < 32 / bits; ++k) word |= number(o, i, k) << (k * bits);
      for (int byte = 0; byte < 4; ++byte) bytes.push_back(static_cast<std::byte>(word >> (8 * byte) & 255));
    }
  return bytes;
}

inline std::vector<std::byte> order_bytes(const std::vector<std::int64_t>& order) {
  std::vector<std::byte> bytes;
  for (const std::int64_t group : order)
    for (int byte = 0; byte < 4; ++byte) bytes.push_back(static_cast<std::byte>(group >> (8 * byte) & 255));
  return bytes;
}

inline FormatCase integer_case(const IntegerCase& of, std::string format) {
  FormatCase result{of.name, std::move(format), {}, of.rows, of.columns, {}, ""};
  const bool turned = of.method != "compressed-tensors", awq = of.method == "awq";
  const Dtype scale_dtype = turned ? Dtype::kF16 : Dtype::kBF16;
  const Integers in = random_integers(of, scale_dtype);
  const std::int64_t each = 32 / of.bits, R = of.rows, C = of.columns, G = in.groups;
  const auto up = [&](std::int64_t n) { return (n + each - 1) / each; };
  const auto integer = [&](std::int64_t r, std::int64_t c) {
    return r < R && c < C ? in.integers[static_cast<std::size_t>(r * C + c)] : 0U;
  };
  const auto zero = [&](std::int64_t r, std::int64_t g) {
    return r < R ? in.zeros[static_cast<std::size_t>(r * G + g)] : 0U;
  };
  for (std::int64_t r = 0; r < R; ++r)
    for (std::int64_t c = 0; c < C; ++c) {
      const std::int64_t g = in.order[static_cast<std::size_t>(c)];
      result.values.push_back((static_cast<double>(integer(r, c)) - static_cast<double>(zero(r, g))) *
                              static_cast<double>(in.scales[static_cast<std::size_t>(r * G + g)]));
    }
  MemoryTensors& tensors = result.tensors;
  tensors.quantization.method = of.method == "gptq_v2" ? "gptq" : of.method;
  tensors.quantization.variant = awq ? "gemm" : turned ? of.method : "";
  tensors.quantization.bits = of.bits;
  tensors.quantization.group_size = of.group;
  std::vector<float> scales = in.scales;
  for (std::int64_t r = 0; turned && r < R; ++r)
    for (std::int64_t g = 0; g < G; ++g)
      scales[static_cast<std::size_t>(g * R + r)] = in.scales[static_cast<std::size_t>(r * G + g)];
  if (!turned) {
    result.needed = "w.weight_scale";
    tensors.add(
        "w.weight_packed", Dtype::kI32, {R, up(C)},
        words_of(R, up(C), of.bits, [&](auto r, auto w, auto k) { return integer(r, w * each + k); }));
    tensors.add_floats("w.weight_scale", scale_dtype, {R, G}, scales);
    tensors.add("w.weight_shape", Dtype::kI32, {2}, order_bytes({R, C}));
    if (of.zeros)
      tensors.add("w.weight_zero_point", Dtype::kI32, {up(R), G},
                  words_of(up(R), G, of.bits, [&](auto w, auto g, auto k) { return zero(w * each + k, g); }));
    if (of.order) tensors.add("w.weight_g_idx", Dtype::kI32, {C}, order_bytes(in.order));
    return result;
  }
  result.needed = "w.scales";
  tensors.add_floats("w.scales", scale_dtype, {G, R}, scales);
  if (awq) {
    constexpr int kOrder[8] = {0, 2, 4, 6, 1, 3, 5, 7};
    tensors.add("w.qweight", Dtype::kI32, {C, R / 8},
                words_of(C, R / 8, 4, [&](auto c, auto w, auto k) { return integer(w * 8 + kOrder[k], c); }));
    tensors.add("w.qzeros", Dtype::kI32, {G, R / 8},
                words_of(G, R / 8, 4, [&](auto g, auto w, auto k) { return zero(w * 8 + kOrder[k], g); }));
    return result;
  }
  const unsigned less = of.method == "gptq" ? 1 : 0, mask = (1U << of.bits) - 1;
  tensors.add(
      "w.qweight", Dtype::kI32, {C / each, R},
      words_of(C / each, R, of.bits, [&](auto w, auto r, auto k) { return integer(r, w * each + k); }));
  tensors.add("w.qzeros", Dtype::kI32, {G, up(R)}, words_of(G, up(R), of.bits, [&](auto g, auto w, auto k) {
                return (zero(w * each + k, g) - less) & mask;
              }));
  if (of.order) tensors.add("w.g_idx", Dtype::kI32, {C}, order_bytes(in.order));
  return result;
}

inline std::vector<FormatCase> packed_cases() {
  constexpr Dtype kU8 = Dtype::kU8, kE8M0 = Dtype::kF8E8M0;
  const std::string ct = "compressed-tensors";
  return {
      mxfp4_case("mxfp4_gpt_oss", "mxfp4_blocks", {3, 6, 2, 16}, {3, 6, 2}, "w.weight_blocks", kU8,
                 "w.weight_scales", kU8),
      mxfp4_case("mxfp4_packed", "mxfp4", {7, 48}, {7, 3}, "w.weight_packed", kU8, "w.weight_scale", kU8),
      mxfp4_case("mxfp4_deepseek", "mxfp4_i8", {7, 48}, {7, 3}, "w.weight", Dtype::kI8, "w.scale", kE8M0),
      nvfp4_case(false, 7, 80),
      nvfp4_case(true, 7, 80),
      nvfp4_case(false, 5, 24),  // half a group at the end
      integer_case({"int4", ct, 9, 64, 4, 32}, "packed_integers"),
      integer_case({"int4_zeros", ct, 9, 64, 4, 32, true}, "packed_integers"),
      integer_case({"int4_rows", ct, 9, 44, 4, 44}, "packed_integers"),
      integer_case({"int4_order", ct, 9, 64, 4, 16, true, true}, "packed_integers"),
      integer_case({"int8", ct, 9, 36, 8, 18}, "packed_integers"),
      integer_case({"int8_zeros", ct, 9, 36, 8, 18, true}, "packed_integers"),
      integer_case({"gptq4", "gptq", 24, 64, 4, 32}, "gptq"),
      integer_case({"gptq4_zeros", "gptq", 24, 64, 4, 32, true}, "gptq"),
      integer_case({"gptq4_order", "gptq", 24, 72, 4, 16, true, true}, "gptq"),
      integer_case({"gptq4_v2", "gptq_v2", 24, 64, 4, 32, true}, "gptq"),
      integer_case({"gptq8", "gptq", 20, 64, 8, 32, true}, "gptq"),
      integer_case({"gptq2", "gptq", 32, 64, 2, 32, true}, "gptq"),
      integer_case({"awq4", "awq", 40, 100, 4, 20, true}, "awq"),
  };
}

}  // namespace espalier::formats
