// Quantised checkpoints lose experts without a byte of the others changing: the hashes are of another
// implementation (docs/formats/weights.md).
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "golden/pruned_golden.h"
#include "paths.h"
#include "temporary_folder.h"

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

}  // namespace
}  // namespace espalier
