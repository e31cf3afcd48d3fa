// build(apply(checkpoint, plan)) == apply(build(checkpoint), plan): a plan means the same on files and in
// memory.
#include <gtest/gtest.h>
#include <torch/utils.h>

#include "surgery/apply.h"
#include "temporary_folder.h"
#include "train/apply_plan.h"
#include "unit/train/small_model.h"

namespace espalier {
namespace {

Plan plan_of(std::vector<LayerPlan> layers, int experts_per_token) {
  Plan plan;
  plan.provenance = {"alpha", "one_shot", 1, {}, {}, {}};
  plan.experts_per_token = experts_per_token;
  plan.layers = std::move(layers);
  return plan;
}

void expect_same_on_files(const Plan& plan, Dtype dtype) {
  const TemporaryFolder folder;
  auto config = small_encoder_config({0, 2});
  config["num_experts_per_tok"] = plan.experts_per_token;
  std::filesystem::create_directory(folder / "model");
  save(small_model(config), folder / "model", dtype);
  write_plan(folder / "plan.json", plan);
  ApplyOptions options;
  options.model = folder / "model";
  options.plan = folder / "plan.json";
  options.out = folder / "out";
  apply_to_files(
      options, [](const Progress&) {}, [](std::string_view) {});
  auto in_memory = load(Checkpoint::open(folder / "model"));
  apply_plan(plan, in_memory);
  const auto on_files = load(Checkpoint::open(folder / "out"));
  EXPECT_EQ(on_files.spec, in_memory.spec);
  const auto expected = parameters_of(in_memory), found = parameters_of(on_files);
  ASSERT_EQ(expected.size(), found.size());
  for (const auto& [name, tensor] : expected) {
    ASSERT_TRUE(found.contains(name)) << name;
    // Sums are rounded to the file's dtype on files.
    EXPECT_TRUE(torch::equal(found.at(name),
                             dtype == Dtype::kF32 ? tensor : tensor.to(torch::kBFloat16).to(torch::kFloat32)))
        << name;
  }
}

TEST(ApplyOnFilesAndInMemory, AreTheSame) {
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBF16}) {
    expect_same_on_files(plan_of({{0, 4, {1, 3}, {}, {}, {}}}, 1), dtype);
    expect_same_on_files(plan_of({{0, 4, {1, 2, 3}, {}, {}, {}}, {2, 4, {0, 3}, {}, {}, {}}}, 2), dtype);
    expect_same_on_files(plan_of({{0, 4, {2}, {}, {}, {}}, {2, 4, {0}, {}, {}, {}}}, 1), dtype);
    expect_same_on_files(plan_of({{0, 4, {2}, {{2, {0, 2, 3}, {0.25, 0.7, -0.1}}}, {}, {}},
                                  {2, 4, {0, 1}, {{1, {1, 2}, {0.3, 0.3}}}, {}, {}}},
                                 1),
                         dtype);
  }
}

TEST(ApplyOnFilesAndInMemory, PutNeuronsInTheSameOrder) {
  std::vector<int> backwards;
  for (auto neuron = small_encoder_config({0, 2})["intermediate_size"].get<int>() - 1; neuron >= 0; --neuron)
    backwards.push_back(neuron);
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBF16}) {
    expect_same_on_files(
        plan_of({{0, 4, {2}, {{2, {0, 2, 3}, {0.25, 0.7, -0.1}, {backwards, {}, backwards}}}, {}, {}},
                 {2, 4, {0, 1}, {{1, {1, 2}, {0.3, 0.3}, {{}, backwards}}}, {}, {}}},
                1),
        dtype);
  }
}

}  // namespace
}  // namespace espalier
