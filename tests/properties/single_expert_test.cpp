// A model pruned to one expert per layer is a dense model: the same operators run, in the same order.
#include <ATen/record_function.h>
#include <gtest/gtest.h>
#include <torch/utils.h>

#include <string>
#include <vector>

#include "train/apply_plan.h"
#include "unit/train/small_model.h"

namespace espalier {
namespace {

std::vector<std::string>* recorded = nullptr;

std::unique_ptr<at::ObserverContext> record(const at::RecordFunction& function) {
  recorded->push_back(function.name());
  return nullptr;
}

/// The operators of a forward and backward pass, in their order.
std::vector<std::string> operators_of(Transformer model, Backend backend) {
  visit_parameters(model, [](const std::string&, torch::Tensor& parameter) {
    parameter = parameter.detach().clone().set_requires_grad(true);
  });
  std::vector<std::string> names;
  recorded = &names;
  const auto handle = at::addGlobalCallback(at::RecordFunctionCallback(record));
  const auto batch = small_batch(61);
  const auto encoding = encode(model, batch, {.backend = backend, .mode = Mode::kTraining, .seed = 3});
  encoding.hidden.sum().backward();
  at::removeCallback(handle);
  return names;
}

TEST(SingleExpert, RunsTheOperatorsOfTheDenseModel) {
  const auto dense = small_model(small_encoder_config({}));
  const auto sparse = small_model(small_encoder_config({0, 2}));
  auto pruned = sparse;
  Plan plan;
  for (const int layer : {0, 2}) plan.layers.push_back({layer, 4, {1}, {}, {}, {}});
  apply_plan(plan, pruned);
  for (const auto backend : {Backend::kOneDnn, Backend::kTorch}) {
    const auto expected = operators_of(dense, backend);
    EXPECT_GT(expected.size(), 50u) << "the record must see the operators";
    EXPECT_EQ(operators_of(pruned, backend), expected);
    EXPECT_NE(operators_of(sparse, backend), expected) << "the record must tell a router from none";
  }
}

}  // namespace
}  // namespace espalier
