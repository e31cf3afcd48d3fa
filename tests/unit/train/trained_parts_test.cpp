#include "train/trained_parts.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "unit/train/small_model.h"

namespace espalier {
namespace {

std::vector<std::string> trained(const std::vector<std::string>& words) {
  auto model = small_model(small_encoder_config({1}));
  const auto parts = parse_trained_parts(words, model.spec);
  std::vector<std::string> names;
  for (const auto& parameter : parameters(model))
    if (parts.has(parameter)) names.push_back(parameter.name);
  return names;
}

TEST(TrainedParts, AreTheNetworksOfBlocksAndTheHead) {
  const std::string block = "bert.encoder.layer.0.";
  EXPECT_EQ(trained({"ffn.0"}),
            (std::vector<std::string>{block + "intermediate.dense.weight", block + "intermediate.dense.bias",
                                      block + "output.dense.weight", block + "output.dense.bias"}));
  const std::string moe = "bert.encoder.layer.1.moe.";
  EXPECT_EQ(trained({"ffn.1"}),
            (std::vector<std::string>{moe + "router.weight", moe + "experts.up", moe + "experts.up_bias",
                                      moe + "experts.down", moe + "experts.down_bias"}));
  const std::string head = "cls.predictions.";
  EXPECT_EQ(trained({"head"}),
            (std::vector<std::string>{head + "transform.dense.weight", head + "transform.dense.bias",
                                      head + "transform.LayerNorm.weight", head + "transform.LayerNorm.bias",
                                      head + "bias"}));
  EXPECT_EQ(trained({"head", "ffn.1", "ffn.0"}).size(), 14u);
  EXPECT_GT(trained({}).size(), 40u) << "all";
}

TEST(TrainedParts, RefusesOtherWords) {
  for (const char* word : {"heads", "ffn", "ffn.", "ffn.x", "ffn.1x", "ffn.-1", "ffn.3", ""})
    EXPECT_THROW(trained({word}), UserError) << word;
}

}  // namespace
}  // namespace espalier
