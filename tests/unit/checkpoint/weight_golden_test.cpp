// Weights in the formats that models are published in, with their values as the libraries that define the
// formats give them (tests/golden/weights/README.md).
#include <gtest/gtest.h>

#include <filesystem>

#include "checkpoint/checkpoint.h"
#include "formats/weight_format.h"
#include "paths.h"

namespace espalier {
namespace {

std::vector<std::filesystem::path> folders() {
  std::vector<std::filesystem::path> result;
  const auto root = std::filesystem::path(source_dir()) / "tests/golden/weights";
  for (const auto& entry : std::filesystem::directory_iterator(root))
    if (entry.is_directory()) result.push_back(entry.path());
  std::sort(result.begin(), result.end());
  return result;
}

/// As the library has it: rows of a turned format are columns of each matrix of its stack.
std::vector<float> values_of(const formats::Weight& weight) {
  std::vector<float> rows(static_cast<std::size_t>(weight.elements()));
  weight.decode_rows(0, weight.rows, rows.data());
  if (!weight.format->turned) return rows;
  std::vector<float> values(rows.size());
  const std::int64_t out = weight.matrix_rows, in = weight.columns;
  for (std::int64_t row = 0; row < weight.rows; ++row)
    for (std::int64_t i = 0; i < in; ++i)
      values[static_cast<std::size_t>((row / out * in + i) * out + row % out)] =
          rows[static_cast<std::size_t>(row * in + i)];
  return values;
}

class GoldenWeight : public ::testing::TestWithParam<std::filesystem::path> {};
INSTANTIATE_TEST_SUITE_P(Kinds, GoldenWeight, ::testing::ValuesIn(folders()),
                         [](const auto& test) { return test.param.filename().string(); });

TEST_P(GoldenWeight, HasTheValuesOfTheFormatsOwnLibrary) {
  const Checkpoint checkpoint = Checkpoint::open(GetParam());
  const formats::Weight weight = checkpoint.weight("w.weight");
  const SafetensorsFile golden = SafetensorsFile::open(GetParam() / "values.safetensors");
  const TensorView expected = golden.tensor("w.weight");
  const auto main = formats::find_main(checkpoint.weights(), "w.weight");
  ASSERT_EQ(*main->shape, std::vector(expected.shape.begin(), expected.shape.end()));
  std::vector<float> values = values_of(weight), golden_values(values.size());
  to_float32(expected.dtype, expected.bytes, golden_values);
  EXPECT_EQ(values, golden_values);  // rounded once there as here
  std::int64_t parameters = 0;
  for (const std::string_view name : checkpoint.names())
    parameters += formats::parameters(checkpoint.weights(), checkpoint.tensor(name));
  EXPECT_EQ(parameters, weight.elements());
}

}  // namespace
}  // namespace espalier
