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

/// Part i of a stack is part `kept`[i] of the one before.
void expect_parts(const TensorView& before, const TensorView& after, const std::vector<std::size_t>& kept) {
  const std::size_t part = after.bytes.size() / kept.size();
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const auto is = after.bytes.subspan(i * part, part), was = before.bytes.subspan(kept[i] * part, part);
    EXPECT_TRUE(std::equal(is.begin(), is.end(), was.begin())) << after.name;
  }
}

TEST(PrunedGoldens, HaveTheExpertsOfTheirList) {
  int found = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(source_dir()) / "tests/golden")) {
    if (!fs::exists(entry.path() / "pruned.json")) continue;
    SCOPED_TRACE(entry.path().filename());
    ++found;
    const TemporaryFolder work;
    const fs::path pruned = prune_golden(entry.path(), work.path());
    const VerifySummary verified =
        verify_files(entry.path(), pruned, work / "plan.json", {}, [](const Progress&) {});
    const Checkpoint before = Checkpoint::open(entry.path()), after = Checkpoint::open(pruned);
    const Topology old = inspect(before).topology, now = inspect(after).topology;
    const auto keep = read_json(entry.path() / "pruned.json").at("keep");
    ASSERT_EQ(old.layers.size(), now.layers.size());
    for (std::size_t i = 0; i < now.layers.size(); ++i) {
      const auto& kept = keep.at(static_cast<std::size_t>(now.layers[i].layer));
      EXPECT_EQ(now.layers[i].num_experts, static_cast<std::int64_t>(kept.size()));
      if (now.layers[i].expert_tensors.empty()) {
        for (const auto& name : now.layers[i].stacked_tensors)
          expect_parts(before.tensor(name), after.tensor(name), kept.get<std::vector<std::size_t>>());
        continue;
      }
      EXPECT_GT(verified.dropped, 0U);
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
