// Roles written by the table and found by it: what went in comes out, for every family and layout.
#include "arch/table_sources.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "temporary_folder.h"
#include "unit/arch/small_language_model.h"

namespace espalier::arch {
namespace {

/// Numbers that no two elements of a model share.
std::vector<float> numbers(const ExpectedTensor& tensor, float& next) {
  std::vector<float> values(static_cast<std::size_t>(tensor.elements()));
  for (float& value : values) value = next++;
  return values;
}

std::vector<float> read(const Checkpoint& checkpoint, const WeightPlace& place) {
  const formats::Weight weight = checkpoint.weight(place.weight);
  std::vector<float> whole(static_cast<std::size_t>(weight.elements())), values;
  weight.decode_rows(0, weight.rows, whole.data());
  for (std::int64_t i = 0; i < place.rows; ++i)
    for (std::int64_t j = 0; j < place.columns; ++j)
      values.push_back(
          whole.at(static_cast<std::size_t>(place.begin + i * place.row_stride + j * place.column_stride)));
  return values;
}

class EveryLayout : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Families, EveryLayout, ::testing::ValuesIn([] {
                           std::vector<std::string> types;
                           for (const Family& family : espalier::fixtures::language_models())
                             types.emplace_back(family.model_type);
                           return types;
                         }()),
                         [](const auto& type) { return type.param; });

TEST_P(EveryLayout, GivesBackWhatWasWritten) {
  const TemporaryFolder folder;
  const auto config = espalier::fixtures::small_config(GetParam());
  const ModelSpec spec = read_spec(config, "config.json");
  std::map<TensorKey, std::vector<float>> written;
  std::vector<RoleValues> values;
  float next = 1;
  for (const ExpectedTensor& tensor : expected_tensors(spec)) {
    const auto& of_role = written[tensor.key] = numbers(tensor, next);
    values.push_back({tensor.key, [of_role](std::span<float> to) {
                        ASSERT_EQ(to.size(), of_role.size());
                        std::copy(of_role.begin(), of_role.end(), to.begin());
                      }});
  }
  write_file(folder / "config.json", config.dump());
  write_safetensors(folder / "model.safetensors", table_sources(spec, std::move(values), Dtype::kF32));
  const Checkpoint checkpoint = Checkpoint::open(folder.path());
  const BoundTensors bound = bind(spec, checkpoint);
  EXPECT_TRUE(bound.unused().empty());
  for (const auto& [key, of_role] : written) EXPECT_EQ(read(checkpoint, bound.at(key)), of_role);
}

}  // namespace
}  // namespace espalier::arch
