// Quantised checkpoints lose experts without a byte of the others changing: the hashes are of another
// implementation (docs/formats/weights.md).
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "golden/pruned_golden.h"
#include "paths.h"
#include "temporary_folder.h"
#include "unit/base/user_error.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

std::string sha256_of(std::span<const std::byte> bytes) {
  Sha256 digest;
  digest.update(bytes);
  return digest.hex();
}

/// Every field that `expected` has, and those in its objects.
void expect_fields(const nlohmann::json& found, const nlohmann::json& expected, const std::string& where) {
  if (!expected.is_object()) {
    EXPECT_EQ(found, expected) << where;
    return;
  }
  for (const auto& [field, value] : expected.items()) {
    const std::string path = where + "/" + field;
    if (found.is_object() && found.contains(field))
      expect_fields(found.at(field), value, path);
    else
      ADD_FAILURE() << path << " is missing in " << found.dump();
  }
}

class QuantisedGoldenFiles : public ::testing::TestWithParam<fs::path> {};
INSTANTIATE_TEST_SUITE_P(Formats, QuantisedGoldenFiles, ::testing::ValuesIn(quantised_goldens()),
                         [](const auto& test) {
                           std::string name = test.param.filename().string();
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST_P(QuantisedGoldenFiles, KeepEveryByteOfWhatStays) {
  const fs::path golden = GetParam();
  if (!is_known(golden)) GTEST_SKIP() << "of a family that is not known";
  const TemporaryFolder work;
  const fs::path folder = prune_golden(golden, work.path());
  const Checkpoint pruned = Checkpoint::open(folder);
  const auto hashes = read_json(golden / "pruned_hashes.json");
  EXPECT_EQ(pruned.names().size(), hashes.size());
  for (const auto& [name, hash] : hashes.items())
    EXPECT_EQ(sha256_of(pruned.tensor(name).bytes), hash.get<std::string>()) << name;
  for (const auto& [field, value] : read_json(golden / "pruned.json").at("config").items()) {
    if (field.ends_with(".json"))  // a file of settings of its own
      expect_fields(read_json(folder / field), value, field);
    else
      expect_fields(pruned.config(), {{field, value}}, "config.json");
  }
}

/// Expert `from` of the last layer is merged into expert `into`, half and half.
void merge_golden(const char* golden, int into, int from, const TemporaryFolder& work) {
  const fs::path folder = fs::path(source_dir()) / "tests/golden/quant" / golden;
  Plan plan = pruned_golden_plan(folder);
  plan.layers.back().merge = {{into, {into, from}, {0.5, 0.5}}};
  write_plan(work / "plan.json", plan);
  ApplyOptions options;
  options.model = folder;
  options.plan = work / "plan.json";
  options.out = work / "merged";
  apply_to_files(
      options, [](const Progress&) {}, [](std::string_view) {});
}

std::vector<float> numbers(const Checkpoint& checkpoint, const std::string& weight) {
  const formats::Weight found = checkpoint.weight(weight);
  std::vector<float> values(static_cast<std::size_t>(found.elements()));
  found.decode_rows(0, found.rows, values.data());
  return values;
}

TEST(MergeOfPackedIntegers, IsTheSumWithinTheirSteps) {
  const TemporaryFolder work;
  merge_golden("ct-int4-kimi-k2", 1, 3, work);
  const Checkpoint before = Checkpoint::open(fs::path(source_dir()) / "tests/golden/quant/ct-int4-kimi-k2"),
                   after = Checkpoint::open(work / "merged");
  const std::string experts = "model.layers.2.mlp.experts.";  // 0, 1, 2, 4, .. stay
  const auto a = numbers(before, experts + "1.up_proj.weight"),
             b = numbers(before, experts + "3.up_proj.weight"),
             sum = numbers(after, experts + "1.up_proj.weight");
  double difference = 0, all = 0;
  for (std::size_t i = 0; i < sum.size(); ++i) {
    const double expected = 0.5 * static_cast<double>(a[i]) + 0.5 * static_cast<double>(b[i]);
    difference += (static_cast<double>(sum[i]) - expected) * (static_cast<double>(sum[i]) - expected);
    all += expected * expected;
  }
  EXPECT_GT(std::sqrt(difference / all), 0.01);  // four bits
  EXPECT_LT(std::sqrt(difference / all), 0.2);
}

TEST(MergeOfPackedWeights, SaysWhichCannotBeAdded) {
  for (const char* golden : {"gptq-int4", "awq-int4", "modelopt-nvfp4"}) {
    SCOPED_TRACE(golden);
    const TemporaryFolder work;
    const int gone = golden == std::string("awq-int4") ? 4 : golden == std::string("gptq-int4") ? 1 : 3;
    fixtures::expect_user_error([&] { merge_golden(golden, 0, gone, work); },
                                {"the plan merges experts, but tensor", "can be added up"});
  }
}

}  // namespace
}  // namespace espalier
