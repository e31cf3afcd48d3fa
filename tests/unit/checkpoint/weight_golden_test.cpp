// Weights in the formats that models are published in, with their values as the libraries that define the
// formats give them (tests/golden/weights/README.md).
#include <gtest/gtest.h>

#include <filesystem>

#include "checkpoint/checkpoint.h"
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

class GoldenWeight : public ::testing::TestWithParam<std::filesystem::path> {};
INSTANTIATE_TEST_SUITE_P(Kinds, GoldenWeight, ::testing::ValuesIn(folders()),
                         [](const auto& test) { return test.param.filename().string(); });

TEST_P(GoldenWeight, HasTheValuesOfTheFormatsOwnLibrary) {
  const Checkpoint checkpoint = Checkpoint::open(GetParam());
  const formats::Weight weight = checkpoint.weight("w.weight");
  const SafetensorsFile golden = SafetensorsFile::open(GetParam() / "values.safetensors");
  const TensorView expected = golden.tensor("w.weight");
  ASSERT_EQ(expected.shape.size(), 2U);
  ASSERT_EQ(weight.rows, expected.shape[0]);
  ASSERT_EQ(weight.columns, expected.shape[1]);
  std::vector<float> values(static_cast<std::size_t>(weight.elements())), golden_values(values.size());
  weight.decode_rows(0, weight.rows, values.data());
  to_float32(expected.dtype, expected.bytes, golden_values);
  EXPECT_EQ(values, golden_values);  // rounded once there as here
  std::int64_t parameters = 0;
  for (const std::string_view name : checkpoint.names())
    parameters += formats::parameters(checkpoint.weights(), checkpoint.tensor(name));
  EXPECT_EQ(parameters, weight.elements());
}

}  // namespace
}  // namespace espalier
