// What every format promises, by the cases of format_cases.h.
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/files.h"
#include "formats/weight_format.h"
#include "paths.h"
#include "unit/base/user_error.h"
#include "unit/formats/format_cases.h"

namespace espalier::formats {
namespace {

std::vector<float> decoded(const Weight& weight) {
  std::vector<float> values(static_cast<std::size_t>(weight.elements()));
  weight.decode_rows(0, weight.rows, values.data());
  return values;
}

Weight weight_of(const FormatCase& of) {
  return find_weight(of.tensors.source(), "w.weight").value();
}

class Formats : public ::testing::TestWithParam<FormatCase> {};
INSTANTIATE_TEST_SUITE_P(Cases, Formats, ::testing::ValuesIn(format_cases()),
                         [](const auto& test) { return test.param.name; });

TEST(WeightFormats, EachHasACaseAndARowInTheDocumentation) {
  const auto cases = format_cases();
  const std::string page = read_file(std::filesystem::path(source_dir()) / "docs/formats/weights.md");
  for (const WeightFormat& format : weight_formats()) {
    EXPECT_TRUE(std::any_of(cases.begin(), cases.end(), [&](const FormatCase& of) {
      return of.format == format.name;
    })) << format.name;
    EXPECT_NE(page.find("| `" + std::string(format.name) + "` |"), std::string::npos) << format.name;
  }
}

TEST_P(Formats, IsRecognisedAndCounted) {
  const FormatCase& of = GetParam();
  const WeightSource source = of.tensors.source();
  std::int64_t parameters_in_all = 0;
  for (const std::string& name : of.tensors.names()) {
    const Place place = place_of(source, *of.tensors.find(name));
    EXPECT_EQ(place.format->name, of.format) << name;
    EXPECT_EQ(place.weight, "w.weight") << name;
    EXPECT_EQ(part_name(*place.format, place.part, place.weight), name);
    parameters_in_all += parameters(source, *of.tensors.find(name));
  }
  EXPECT_EQ(parameters_in_all, of.rows * of.columns);
}

TEST_P(Formats, DecodesToWhatItStandsFor) {
  const FormatCase& of = GetParam();
  if (of.values.empty()) {
    return fixtures::expect_user_error([&] { weight_of(of); }, {"memory: ", "not read"});
  }
  const Weight weight = weight_of(of);
  EXPECT_EQ(weight.rows, of.rows);
  EXPECT_EQ(weight.columns, of.columns);
  // Both factors have few bits, so that float64 is exact: one rounding to float32 is all there may be.
  const std::vector<float> expected(of.values.begin(), of.values.end());
  EXPECT_EQ(decoded(weight), expected);
}

TEST_P(Formats, ASliceIsASliceOfWhatIsDecoded) {
  if (GetParam().values.empty()) return;
  const Weight weight = weight_of(GetParam());
  const std::vector<float> all = decoded(weight);
  for (std::int64_t first = 0; first <= weight.rows; first += first < 20 ? 1 : 61) {
    for (std::int64_t count = 0; first + count <= weight.rows; count += count < 20 ? 1 : 61) {
      const std::vector<float> expected(all.begin() + first * weight.columns,
                                        all.begin() + (first + count) * weight.columns);
      ASSERT_EQ(decoded(weight.slice(first, count)), expected) << first << " " << count;
      std::vector<float> in_place(expected.size());
      weight.decode_rows(first, count, in_place.data());
      ASSERT_EQ(in_place, expected) << first << " " << count;
    }
  }
  const Weight twice = weight.slice(weight.rows / 2, weight.rows - weight.rows / 2).slice(0, 1);
  EXPECT_EQ(decoded(twice), decoded(weight.slice(weight.rows / 2, 1)));
  EXPECT_THROW(weight.slice(0, weight.rows + 1), InternalError);
  EXPECT_THROW(weight.slice(-1, 1), InternalError);
}

/// Bytes of rows of one matrix after another are, together, those of each part.
TEST_P(Formats, RowsOfBlocksAreAllOfEachPart) {
  if (GetParam().values.empty()) return;
  const Weight weight = weight_of(GetParam());
  for (std::size_t part = 0; part < weight.parts.size(); ++part) {
    const std::size_t whole = weight.parts[part].bytes.size();
    if (weight.block_rows < weight.rows && weight.format->bytes_of_rows(weight, part, 0, 1).size == whole)
      continue;  // all rows share it
    std::size_t at = 0;
    for (std::int64_t matrix = 0; matrix < weight.rows; matrix += weight.matrix_rows) {
      for (std::int64_t row = 0; row < weight.matrix_rows; row += weight.block_rows) {
        const std::int64_t count = std::min(weight.block_rows, weight.matrix_rows - row);
        const ByteSpan span = weight.format->bytes_of_rows(weight, part, matrix + row, count);
        if (span.size == 0) continue;
        EXPECT_EQ(span.begin, at) << part;
        at += span.size;
      }
    }
    if (at > 0 || part == 0) {  // or it scales activations
      EXPECT_EQ(at, whole) << part;
    }
  }
}

TEST_P(Formats, WhatIsEncodedDecodesToTheSame) {
  if (GetParam().values.empty()) return;
  const Weight weight = weight_of(GetParam());
  if (weight.format->can_encode == nullptr || !weight.format->can_encode(weight)) return;
  const std::vector<float> before = decoded(weight);
  const StoredRows stored = weight.format->encode_rows(weight, before);
  const std::vector<float> values = decoded(weight_of_rows(weight, weight.rows, stored));
  // Half a step of E5M2, which has two bits of fraction; the smallest numbers of a block lose more.
  const float tolerance = weight.format->name == "dense" ? 0.0F : 0.125F;
  const auto columns = static_cast<std::size_t>(weight.columns);
  for (std::size_t i = 0; i < values.size(); ++i) {
    float step = 0;  // of integers: by the largest number of the row
    for (std::size_t c = i / columns * columns; c < (i / columns + 1) * columns && weight.bits > 0; ++c)
      step = std::max(step, std::fabs(before[c]) / static_cast<float>((1 << (weight.bits - 1)) - 1));
    ASSERT_NEAR(values[i], before[i], tolerance * std::fabs(before[i]) + tolerance * 1e-2F + step / 2) << i;
  }
  for (std::int64_t row = 0; row < weight.rows; row += weight.block_rows) {  // alone as among the others
    const Weight blocks = weight.slice(row, std::min(weight.block_rows, weight.rows - row));
    const StoredRows alone = weight.format->encode_rows(weight, decoded(blocks));
    for (std::size_t part = 0; part < stored.size(); ++part) {
      const ByteSpan span = weight.format->bytes_of_rows(weight, part, row, blocks.rows);
      const auto begin = stored[part].begin() + static_cast<std::ptrdiff_t>(span.begin);
      ASSERT_EQ(alone[part], std::vector(begin, begin + static_cast<std::ptrdiff_t>(span.size))) << part;
    }
  }
}

/// One row, of the bytes that `bytes_of_rows` names.
TEST_P(Formats, ARowIsReadFromItsBytesAlone) {
  if (GetParam().values.empty()) return;
  const Weight weight = weight_of(GetParam());
  if (!weight.rows_apart) return;
  for (std::int64_t row = 0; row < weight.rows; row += 3) {
    StoredRows bytes;
    for (std::size_t part = 0; part < bytes.size(); ++part) {
      const ByteSpan span = weight.format->bytes_of_rows(weight, part, row, 1);
      const auto found = weight.parts[part].bytes.subspan(span.begin, span.size);
      bytes[part].assign(found.begin(), found.end());
    }
    ASSERT_EQ(decoded(weight_of_rows(weight, 1, bytes)), decoded(weight.slice(row, 1))) << row;
  }
}

TEST_P(Formats, ACompanionThatIsMissingOrDoesNotFitIsNamed) {
  FormatCase of = GetParam();
  if (of.needed.empty()) return;
  const Tensor companion = *of.tensors.find(of.needed);
  const std::vector<std::int64_t> shape(companion.shape.begin(), companion.shape.end());
  of.tensors.add(of.needed, Dtype::kI32, shape,
                 std::vector<std::byte>(4 * static_cast<std::size_t>(companion.elements())));
  fixtures::expect_user_error([&] { weight_of(of); }, {"memory: tensor " + of.needed, "is I32", "expected"});
  const std::size_t size = size_bytes(companion.dtype);
  of.tensors.add(of.needed, companion.dtype, {2, 2, 2, 2}, std::vector<std::byte>(16 * size));
  fixtures::expect_user_error([&] { weight_of(of); },
                              {"memory: tensor " + of.needed + " [2, 2, 2, 2] does not fit"});
  of.tensors.remove(of.needed);
  fixtures::expect_user_error([&] { weight_of(of); }, {"memory: tensor w.", "scale"});
}

/// Of NaN, of zero, and of infinity where the scales have it.
TEST_P(Formats, AScaleThatIsNoNumberIsNamed) {
  FormatCase of = GetParam();
  if (of.needed.empty()) return;
  const Tensor scales = *of.tensors.find(of.needed);
  const std::vector<std::int64_t> shape(scales.shape.begin(), scales.shape.end());
  const std::vector<std::byte> before(scales.bytes.begin(), scales.bytes.end());
  const std::size_t size = size_bytes(scales.dtype), at = before.size() / size / 2;
  const bool powers = scales.dtype == Dtype::kU8 || scales.dtype == Dtype::kF8E8M0;
  for (const std::byte fill : {std::byte{0}, std::byte{0xff}}) {
    if (powers && fill == std::byte{0}) continue;  // 2^-127
    std::vector<std::byte> bytes = before;
    std::fill_n(bytes.begin() + static_cast<std::ptrdiff_t>(at * size), size, fill);
    of.tensors.add(of.needed, scales.dtype, shape, std::move(bytes));
    const std::string said =
        fmt::format("tensor {}: scale {} is {}", of.needed, at, fill == std::byte{0} ? "zero" : "NaN");
    fixtures::expect_user_error([&] { decoded(weight_of(of)); }, {said});
  }
}

/// Every second row, as of a stack whose rows take turns.
TEST_P(Formats, RowsOfAStep) {
  if (GetParam().values.empty()) return;
  const Weight weight = weight_of(GetParam());
  if (weight.rows < 3) return;
  const std::int64_t count = (weight.rows - 1) / 2;
  const Weight odd = weight.every(1, 2, count);
  const std::vector<float> values = decoded(odd);
  for (std::int64_t row = 0; row < count; ++row) {
    const std::vector<float> expected = decoded(weight.slice(1 + 2 * row, 1));
    EXPECT_TRUE(std::equal(expected.begin(), expected.end(), values.begin() + row * weight.columns)) << row;
  }
  EXPECT_EQ(decoded(odd.slice(0, 1)), decoded(weight.slice(1, 1)));
}

/// What `--zero-fill` writes.
TEST_P(Formats, NumbersThatMeanZeroAreAWeightOfZeros) {
  FormatCase of = GetParam();
  if (of.values.empty()) return;
  const Weight weight = weight_of(of);
  const WeightFormat& format = *weight.format;
  for (std::size_t part = 0; part < weight.parts.size(); ++part) {
    if (!weight.parts[part].there || (part > 0 && format.describes[part - 1])) continue;
    const std::string name = part_name(format, part, "w.weight");
    const Tensor old = *of.tensors.find(name);
    const std::byte fill = format.zero == nullptr ? std::byte{0} : format.zero(weight, part);
    of.tensors.add(name, old.dtype, {old.shape.begin(), old.shape.end()},
                   std::vector<std::byte>(old.bytes.size(), fill));
  }
  for (const float value : decoded(weight_of(of))) ASSERT_EQ(value, 0.0F);
}

TEST(DenseWeight, LiesInMemoryWhereItIsFloat32) {
  const std::vector<float> values = random_floats(12, 4);
  const auto bytes = std::as_bytes(std::span(values));
  const Weight weight = dense_weight({Dtype::kF32, bytes}, 4, 3);
  EXPECT_EQ(weight.floats(), values.data());
  EXPECT_EQ(weight.slice(1, 2).floats(), values.data() + 3);
  EXPECT_EQ(weight.slice(1, 2).bytes().size(), 2U * 3 * 4);
  EXPECT_EQ(dense_weight({Dtype::kBF16, bytes}, 4, 6).floats(), nullptr);
  EXPECT_EQ(dense_weight({Dtype::kF32, bytes.subspan(2)}, 2, 3).floats(), nullptr);
}

TEST(DenseWeight, OfIntegersIsNotRead) {
  MemoryTensors tensors;
  tensors.add("w.weight", Dtype::kI32, {1, 2}, std::vector<std::byte>(8));
  std::vector<float> values(2);
  fixtures::expect_user_error(
      [&] { find_weight(tensors.source(), "w.weight")->decode_rows(0, 1, values.data()); },
      {"tensor w.weight is I32", "floating-point"});
  EXPECT_FALSE(find_weight(tensors.source(), "other").has_value());
}

TEST(PlaceOf, ScalesWithoutAWeightAreWeights) {
  MemoryTensors tensors;
  tensors.add_floats("router.per_expert_scale", Dtype::kF32, {4}, random_floats(4, 5));
  EXPECT_EQ(parameters(tensors.source(), *tensors.find("router.per_expert_scale")), 4);
  EXPECT_EQ(place_of(tensors.source(), *tensors.find("router.per_expert_scale")).part, 0U);
}

}  // namespace
}  // namespace espalier::formats
