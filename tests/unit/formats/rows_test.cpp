// The decoders of rows of every instruction set give the same bits.
#include "formats/vector/rows.h"

#include <gtest/gtest.h>

#include <bit>
#include <vector>

#include "unit/formats/packed_cases.h"

namespace espalier::formats {
namespace {

class RowDecoder : public ::testing::TestWithParam<InstructionSet> {
 protected:
  const RowDecoders& plain() const { return kBaselineRows; }
  const RowDecoders& decoders() const { return row_decoders(GetParam()); }
};

std::vector<InstructionSet> sets() {
  const auto all = available_instruction_sets();
  return {all.begin(), all.end()};
}
INSTANTIATE_TEST_SUITE_P(Sets, RowDecoder, ::testing::ValuesIn(sets()),
                         [](const auto& set) { return std::string(name(set.param)); });

/// NaN is equal to NaN.
void expect_bits(const std::vector<float>& got, const std::vector<float>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (got[i] != got[i] && expected[i] != expected[i]) continue;
    ASSERT_EQ(std::bit_cast<std::uint32_t>(got[i]), std::bit_cast<std::uint32_t>(expected[i])) << i;
  }
}

std::vector<float> odd_scales(std::int64_t count) {
  std::vector<float> scales = random_floats(static_cast<std::size_t>(count), 3);
  for (std::size_t i = 0; i < scales.size(); i += 3) scales[i] *= 1e-30F;
  return scales;
}

TEST_P(RowDecoder, EveryFp8NumberAtEveryLength) {
  for (std::int64_t columns = 0; columns < 300; columns += columns < 70 ? 1 : 37) {
    std::vector<std::byte> codes;
    for (std::int64_t i = 0; i < columns + 1; ++i) codes.push_back(static_cast<std::byte>(i * 7 % 256));
    for (const std::int64_t block : {5, 16, 32, 128}) {
      const std::vector<float> scales = odd_scales(columns / block + 1);
      std::vector<float> got(static_cast<std::size_t>(columns), -1.0F), expected(got);
      decoders().fp8({codes.data() + 1, scales.data(), columns, block, got.data()});
      plain().fp8({codes.data() + 1, scales.data(), columns, block, expected.data()});
      expect_bits(got, expected);
    }
  }
}

TEST_P(RowDecoder, HalfBytesAtEveryLength) {
  constexpr std::int8_t kTable[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
  for (std::int64_t columns = 0; columns < 300; columns += columns < 70 ? 1 : 37) {
    const auto codes = random_bytes((columns + 1) / 2, 4);
    for (const std::int64_t group : {5, 16, 24, 32, 128}) {
      const std::vector<float> scales = odd_scales(columns / group + 1);
      std::vector<float> zeros(scales.size());
      for (std::size_t g = 0; g < zeros.size(); ++g) zeros[g] = static_cast<float>(g % 16);
      for (const auto& [times, over] : {std::pair{1.0F, 1.0F}, {0.37F, 1.0F}, {1.0F, 321.7F}}) {
        std::vector<float> got(static_cast<std::size_t>(columns), -1.0F), expected(got);
        NibbleRow row{codes.data(), kTable, scales.data(), zeros.data(), columns,
                      group,        times,  over,          got.data()};
        decoders().nibbles(row);
        row.to = expected.data();
        plain().nibbles(row);
        expect_bits(got, expected);
      }
    }
  }
}

TEST_P(RowDecoder, ColumnsOfWords) {
  for (const std::int64_t bits : {2, 4, 8})
    for (const std::int64_t words : {1, 2, 5})
      for (const std::int64_t outputs : {1, 7, 16, 33})
        for (const bool ordered : {false, true}) {
          const std::int64_t inputs = words * 32 / bits, stride = outputs + 3, groups = 4;
          const auto stored = random_bytes(words * stride * 4, 5);
          const std::vector<float> scales = odd_scales(outputs * groups);
          std::vector<float> zeros(scales.size(), 7.0F);
          std::vector<std::int32_t> group_of;
          for (std::int64_t i = 0; i < inputs; ++i)
            group_of.push_back(static_cast<std::int32_t>(ordered ? i * 3 % groups : i * bits / 32 % groups));
          std::vector<float> got(static_cast<std::size_t>(outputs * inputs), -1.0F), expected(got);
          WordColumns op{stored.data(), stride,          outputs, inputs,   bits,      scales.data(),
                         zeros.data(),  group_of.data(), groups,  !ordered, got.data()};
          decoders().word_columns(op);
          op.to = expected.data();
          plain().word_columns(op);
          expect_bits(got, expected);
        }
}

TEST_P(RowDecoder, RowsOfWords) {
  for (const std::int64_t inputs : {0, 1, 8, 40, 100}) {
    const std::int64_t stride = 3, group = 20;
    const auto stored = random_bytes(inputs * stride * 4 + 4, 6);
    const std::vector<float> scales = odd_scales((inputs / group + 1) * 8);
    std::vector<float> zeros(scales.size(), 3.0F);
    std::vector<float> got(static_cast<std::size_t>(8 * inputs), -1.0F), expected(got);
    WordRows op{stored.data(), stride, inputs, group, scales.data(), zeros.data(), got.data()};
    decoders().word_rows(op);
    op.to = expected.data();
    plain().word_rows(op);
    expect_bits(got, expected);
  }
}

}  // namespace
}  // namespace espalier::formats
