// Encoders of our own format: unequal counts are at home there, and a lone expert is a plain FFN.
#include <gtest/gtest.h>

#include "arch/described_model.h"
#include "unit/arch/stored_model.h"
#include "unit/surgery/pruned_model.h"

namespace espalier {
namespace {

using namespace fixtures;

/// Tensors whose bytes say whose they are.
void store_numbered(const std::filesystem::path& folder) {
  std::filesystem::create_directory(folder);
  store_model(folder, tiny_moe_config(), Dtype::kBF16, [](std::vector<TensorSource>& tensors) {
    for (TensorSource& tensor : tensors) {
      tensor.fill = [as = SmallTensor{tensor.name, tensor.dtype, tensor.shape}](std::span<std::byte> out) {
        const auto bytes = bytes_of(as);
        std::copy(bytes.begin(), bytes.end(), out.begin());
      };
    }
  });
}

TEST(ApplyBert, ALoneSurvivorBecomesAPlainFfn) {
  const SurgeryFolder folder;
  store_numbered(folder.model());
  Plan plan = plan_keeping({0, 2}, {1, 3}, 4, 2);
  plan.layers[1].keep = {2};
  const ApplySummary summary = folder.apply(plan);
  const Checkpoint before = Checkpoint::open(folder.model()), after = Checkpoint::open(folder.out());
  const arch::DescribedModel described = arch::describe(after);
  EXPECT_EQ(arch::moe_layers(described.spec), std::vector<std::int64_t>{0});
  EXPECT_EQ(described.spec.block(0).experts(), 2);
  EXPECT_TRUE(described.tensors.unused().empty());
  EXPECT_EQ(stored(after, "bert.encoder.layer.2.intermediate.dense.weight"),
            stored(before, "bert.encoder.layer.2.moe.experts.2.intermediate.dense.weight"));
  EXPECT_EQ(stored(after, "bert.encoder.layer.0.moe.experts.1.output.dense.bias"),
            stored(before, "bert.encoder.layer.0.moe.experts.3.output.dense.bias"));
  EXPECT_EQ(summary.parameters_after, inspect(after).parameters);
  EXPECT_EQ(summary.parameters_per_token_after, inspect(after).parameters_per_token);
  EXPECT_EQ(folder.verify().tensors, after.names().size());
}

TEST(ApplyBert, OneSurvivorInEveryLayerIsAnOrdinaryBert) {
  const SurgeryFolder folder;
  store_numbered(folder.model());
  folder.apply(plan_keeping({0, 2}, {3}, 4, 1));
  const Checkpoint after = Checkpoint::open(folder.out());
  EXPECT_EQ(after.config().at("model_type"), "bert");
  EXPECT_FALSE(after.config().contains("moe_layers"));
  EXPECT_TRUE(inspect(after).topology.layers.empty());
  folder.verify();
}

}  // namespace
}  // namespace espalier
