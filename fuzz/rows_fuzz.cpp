#include <bit>
#include <cstdlib>
#include <vector>

#include "formats/vector/rows.h"

// Rows of every codec, decoded by each instruction set of this machine: within their memory, and with the
// bits of the plain loops. The first bytes choose codec and sizes, the rest are codes.
namespace {

using namespace espalier;
using namespace espalier::formats;

using Floats = std::vector<float>;

/// `decode(decoders, to)` for each instruction set.
template <typename Decode>
void compare(std::int64_t numbers, Decode decode) {
  const auto count = static_cast<std::size_t>(numbers);
  Floats expected(count);
  decode(kBaselineRows, expected.data());
  for (const InstructionSet set : available_instruction_sets()) {
    Floats got(count);
    decode(row_decoders(set), got.data());
    for (std::size_t i = 0; i < count; ++i) {
      if (got[i] != got[i] && expected[i] != expected[i]) continue;
      if (std::bit_cast<std::uint32_t>(got[i]) != std::bit_cast<std::uint32_t>(expected[i])) std::abort();
    }
  }
}

Floats some(std::int64_t count, float first) {
  Floats values;
  for (std::int64_t i = 0; i < count; ++i) values.push_back(first * static_cast<float>(i % 5 + 1));
  return values;
}

void fp8(const std::byte* codes, std::int64_t size, std::int64_t block) {
  const Floats scales = some(size / block + 1, 0.37F);
  compare(size, [&](const RowDecoders& decoders, float* to) {
    decoders.fp8({codes, scales.data(), size, block, to});
  });
}

void nibbles(const std::byte* codes, std::int64_t size, std::int64_t group, bool odd) {
  constexpr std::int8_t kTable[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
  const std::int64_t columns = 2 * size - (odd && size > 0 ? 1 : 0);
  const Floats scales = some(columns / group + 1, 0.11F), zeros = some(columns / group + 1, 1);
  compare(columns, [&](const RowDecoders& decoders, float* to) {
    decoders.nibbles({codes, kTable, scales.data(), zeros.data(), columns, group, 1, odd ? 3.3F : 1, to});
  });
}

void word_columns(const std::byte* codes, std::int64_t size, std::int64_t bits, std::int64_t stride,
                  bool ordered) {
  const std::int64_t words = size / 4 / stride, inputs = words * 32 / bits, groups = 3;
  const Floats scales = some(stride * groups, 0.2F), zeros = some(stride * groups, 1);
  std::vector<std::int32_t> group_of;
  for (std::int64_t i = 0; i < inputs; ++i)
    group_of.push_back(static_cast<std::int32_t>((ordered ? i : i * bits / 32) % groups));
  compare(stride * inputs, [&](const RowDecoders& decoders, float* to) {
    decoders.word_columns({codes, stride, stride, inputs, bits, scales.data(), zeros.data(), group_of.data(),
                           groups, !ordered, to});
  });
}

void word_rows(const std::byte* codes, std::int64_t size, std::int64_t stride, std::int64_t group) {
  const std::int64_t inputs = size / 4 / stride;
  const Floats scales = some((inputs / group + 1) * 8, 0.2F), zeros = some((inputs / group + 1) * 8, 1);
  compare(8 * inputs, [&](const RowDecoders& decoders, float* to) {
    decoders.word_rows({codes, stride, inputs, group, scales.data(), zeros.data(), to});
  });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const std::vector<std::byte> codes(
      reinterpret_cast<const std::byte*>(data) + 3,
      reinterpret_cast<const std::byte*>(data) + size);  // exact, so that sanitizers see
  const auto count = static_cast<std::int64_t>(codes.size());
  const std::int64_t part = data[1] % 64 + 1;
  const bool odd = data[2] % 2 == 1;
  if (data[0] % 4 == 0) fp8(codes.data(), count, part);
  if (data[0] % 4 == 1) nibbles(codes.data(), count, part, odd);
  if (data[0] % 4 == 2) word_columns(codes.data(), count, std::int64_t{2} << (data[2] / 2 % 3), part, odd);
  if (data[0] % 4 == 3) word_rows(codes.data(), count, part, data[2] + 1);
  return 0;
}
