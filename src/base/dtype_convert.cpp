#include <fmt/format.h>

#include <bit>
#include <cstring>

#include "base/dtype.h"
#include "base/error.h"

// The loops below have no branches (only selects) and no calls, so that the compiler vectorises them. Bytes
// in a file may sit at any address, hence memcpy for every load and store.

namespace espalier {
namespace {

static_assert(std::endian::native == std::endian::little,
              "checkpoints are little-endian and mapped as they are");

template <typename T>
T load(const std::byte* bytes, std::size_t i) {
  T value;
  std::memcpy(&value, bytes + i * sizeof(T), sizeof(T));
  return value;
}

template <typename T>
void store(std::byte* bytes, std::size_t i, T value) {
  std::memcpy(bytes + i * sizeof(T), &value, sizeof(T));
}

constexpr std::uint32_t kF32Infinity = 0x7f800000;

float bf16_to_f32(std::uint16_t half) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(half) << 16);
}

std::uint16_t f32_to_bf16(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
  const std::uint32_t quiet_nan = (bits >> 16) | 0x40;  // rounding could carry a NaN into an infinity
  return static_cast<std::uint16_t>((bits & 0x7fffffff) > kF32Infinity ? quiet_nan : rounded);
}

constexpr std::uint32_t exponent(int power) {
  return static_cast<std::uint32_t>(127 + power) << 23;
}

float f16_to_f32(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000) << 16;
  const std::uint32_t magnitude = static_cast<std::uint32_t>(half & 0x7fff) << 13;
  const std::uint32_t normal = magnitude + exponent(-15);
  // With the exponent of 2^-14 the fraction reads as 2^-14 * (1 + m); taking the 1 away leaves the subnormal.
  const float subnormal =
      std::bit_cast<float>(magnitude + exponent(-14)) - std::bit_cast<float>(exponent(-14));
  std::uint32_t bits = magnitude < (1u << 23) ? std::bit_cast<std::uint32_t>(subnormal) : normal;
  bits = magnitude >= (0x7c00u << 13) ? magnitude | kF32Infinity : bits;
  return std::bit_cast<float>(bits | sign);
}

std::uint16_t f32_to_f16(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16) & 0x8000;
  const std::uint32_t magnitude = bits & 0x7fffffff;
  const std::uint32_t normal =
      (magnitude - exponent(-15) + exponent(-127) + 0xfff + ((magnitude >> 13) & 1)) >> 13;
  // Adding 1/2 aligns the last subnormal bit of F16 with the last bit of F32: the addition rounds to even.
  const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
  const std::uint32_t subnormal = std::bit_cast<std::uint32_t>(shifted) - std::bit_cast<std::uint32_t>(0.5F);
  std::uint32_t half = magnitude < exponent(-14) ? subnormal : normal;
  half = magnitude >= exponent(16) ? 0x7c00 : half;
  half = magnitude > kF32Infinity ? 0x7e00 : half;
  return static_cast<std::uint16_t>(half | sign);
}

float f8e5m2_to_f32(std::uint8_t byte) {
  return f16_to_f32(static_cast<std::uint16_t>(byte << 8));
}

float f8e4m3_to_f32(std::uint8_t byte) {
  const std::uint32_t sign = static_cast<std::uint32_t>(byte & 0x80) << 24;
  const std::uint32_t magnitude = static_cast<std::uint32_t>(byte & 0x7f) << 20;
  // As in F16 below its smallest normal number: with the exponent of 2^-6 the fraction reads as 2^-6 * (1 +
  // m).
  const float subnormal = std::bit_cast<float>(magnitude + exponent(-6)) - std::bit_cast<float>(exponent(-6));
  std::uint32_t bits =
      magnitude < (1u << 23) ? std::bit_cast<std::uint32_t>(subnormal) : magnitude + exponent(-7);
  bits = magnitude == (0x7fu << 20) ? 0x7fc00000 : bits;  // no infinities in this format
  return std::bit_cast<float>(bits | sign);
}

/// 2^(byte - 127) (OCP Microscaling Formats 1.0, 5.4.1); 255 is NaN. 2^-127 is below the normal numbers.
float f8e8m0_to_f32(std::uint8_t byte) {
  const std::uint32_t bits = static_cast<std::uint32_t>(byte) << 23;
  return std::bit_cast<float>(byte == 0 ? 0x00400000 : byte == 0xff ? 0x7fc00000 : bits);
}

void check_sizes(Dtype dtype, std::size_t elements, std::size_t bytes) {
  if (bytes == elements * size_bytes(dtype)) return;
  throw InternalError(fmt::format("{} elements of {} do not take {} bytes", elements, name(dtype), bytes));
}

}  // namespace

void to_float32(Dtype dtype, std::span<const std::byte> from, std::span<float> to) {
  check_sizes(dtype, to.size(), from.size());
  const std::byte* in = from.data();
  float* out = to.data();
  const std::size_t count = to.size();
  switch (dtype) {
    case Dtype::kF32:
      if (count > 0) std::memcpy(out, in, from.size());
      return;
    case Dtype::kF64:
      for (std::size_t i = 0; i < count; ++i) out[i] = static_cast<float>(load<double>(in, i));
      return;
    case Dtype::kBF16:
      for (std::size_t i = 0; i < count; ++i) out[i] = bf16_to_f32(load<std::uint16_t>(in, i));
      return;
    case Dtype::kF16:
      for (std::size_t i = 0; i < count; ++i) out[i] = f16_to_f32(load<std::uint16_t>(in, i));
      return;
    case Dtype::kF8E5M2:
      for (std::size_t i = 0; i < count; ++i) out[i] = f8e5m2_to_f32(load<std::uint8_t>(in, i));
      return;
    case Dtype::kF8E4M3:
      for (std::size_t i = 0; i < count; ++i) out[i] = f8e4m3_to_f32(load<std::uint8_t>(in, i));
      return;
    case Dtype::kF8E8M0:
      for (std::size_t i = 0; i < count; ++i) out[i] = f8e8m0_to_f32(load<std::uint8_t>(in, i));
      return;
    default:
      throw UserError(
          fmt::format("found dtype {}, expected floating point (F64, F32, F16, BF16, F8_E4M3, F8_E5M2)",
                      name(dtype)),
          "convert the checkpoint to BF16 first");
  }
}

void from_float32(Dtype dtype, std::span<const float> from, std::span<std::byte> to) {
  check_sizes(dtype, from.size(), to.size());
  const float* in = from.data();
  std::byte* out = to.data();
  const std::size_t count = from.size();
  switch (dtype) {
    case Dtype::kF32:
      if (count > 0) std::memcpy(out, in, to.size());
      return;
    case Dtype::kBF16:
      for (std::size_t i = 0; i < count; ++i) store(out, i, f32_to_bf16(in[i]));
      return;
    case Dtype::kF16:
      for (std::size_t i = 0; i < count; ++i) store(out, i, f32_to_f16(in[i]));
      return;
    default:
      throw UserError(
          fmt::format("float32 values cannot be stored as {}, expected F32, F16 or BF16", name(dtype)),
          "name one of these");
  }
}

}  // namespace espalier
