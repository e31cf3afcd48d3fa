#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace espalier {

/// Element types of the safetensors format, under its names.
enum class Dtype {
  kBool,
  kU8,
  kI8,
  kF8E5M2,
  kF8E4M3,
  kF8E8M0,
  kI16,
  kU16,
  kF16,
  kBF16,
  kI32,
  kU32,
  kF32,
  kF64,
  kI64,
  kU64
};

std::size_t size_bytes(Dtype dtype);
std::string_view name(Dtype dtype);  ///< "F32", "BF16", ...
std::string_view torch_name(
    Dtype dtype);  ///< as config.json's torch_dtype has floats: "float32", "bfloat16", "float16"
Dtype parse_dtype(std::string_view name);  ///< throws UserError listing the known names
bool is_float(Dtype dtype);                ///< of 8 to 64 bits
bool is_fp8(Dtype dtype);                  ///< E4M3 or E5M2, which weights are; E8M0 only scales

/// Widens `from` (F64, F32, F16, BF16, F8; E8M0: powers of two) to float32. Throws UserError for integer
/// dtypes.
void to_float32(Dtype dtype, std::span<const std::byte> from, std::span<float> to);
/// Rounds float32 to `dtype` (F32, F16, BF16), ties to even; NaN stays NaN.
void from_float32(Dtype dtype, std::span<const float> from, std::span<std::byte> to);

}  // namespace espalier
