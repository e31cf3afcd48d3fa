// The checkpoints that recorded logits of pruned models are of; the forward pass runs them in tests/golden/.
#include <gtest/gtest.h>

#include "arch/inspect.h"
#include "golden/pruned_golden.h"
#include "paths.h"
#include "surgery/verify.h"
#include "temporary_folder.h"

namespace espalier {
namespace {

namespace fs = std::filesystem;

TEST(PrunedGoldens, HaveTheExpertsOfTheirList) {
  int found = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(source_dir()) / "tests/golden")) {
    if (!fs::exists(entry.path() / "pruned.json")) continue;
    SCOPED_TRACE(entry.path().filename());
    ++found;
    const TemporaryFolder work;
    const fs::path pruned = prune_golden(entry.path(), work.path());
    EXPECT_GT(verify_files(entry.path(), pruned, work / "plan.json", {}, [](const Progress&) {}).dropped, 0U);
    const Checkpoint before = Checkpoint::open(entry.path()), after = Checkpoint::open(pruned);
    const Topology old = inspect(before).topology, now = inspect(after).topology;
    const auto keep = read_json(entry.path() / "pruned.json").at("keep");
    ASSERT_EQ(old.layers.size(), now.layers.size());
    for (std::size_t i = 0; i < now.layers.size(); ++i) {
      const auto& kept = keep.at(static_cast<std::size_t>(now.layers[i].layer));
      ASSERT_EQ(now.layers[i].expert_tensors.size(), kept.size());
      for (std::size_t e = 0; e < kept.size(); ++e) {
        for (std::size_t t = 0; t < now.layers[i].expert_tensors[e].size(); ++t) {
          const auto was = before.tensor(old.layers[i].expert_tensors[kept[e].get<std::size_t>()][t]).bytes;
          const auto is = after.tensor(now.layers[i].expert_tensors[e][t]).bytes;
          EXPECT_TRUE(std::equal(was.begin(), was.end(), is.begin(), is.end()));
        }
      }
    }
  }
  EXPECT_GE(found, 1);
}

}  // namespace
}  // namespace espalier
