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

TEST(QuantisedGoldens, KeepEveryByteOfWhatStays) {
  int found = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(source_dir()) / "tests/golden")) {
    if (!fs::exists(entry.path() / "pruned_hashes.json")) continue;
    SCOPED_TRACE(entry.path().filename());
    ++found;
    const TemporaryFolder work;
    const Checkpoint pruned = Checkpoint::open(prune_golden(entry.path(), work.path()));
    const auto hashes = read_json(entry.path() / "pruned_hashes.json");
    EXPECT_EQ(pruned.names().size(), hashes.size());
    for (const auto& [name, hash] : hashes.items())
      EXPECT_EQ(sha256_of(pruned.tensor(name).bytes), hash.get<std::string>()) << name;
    const auto changed = read_json(entry.path() / "pruned.json").at("config");
    for (const auto& [field, value] : changed.items()) EXPECT_EQ(pruned.config().at(field), value) << field;
  }
  EXPECT_GE(found, 1);
}

}  // namespace
}  // namespace espalier
