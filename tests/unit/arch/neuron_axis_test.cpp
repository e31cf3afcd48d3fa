#include "arch/neuron_axis.h"

#include <gtest/gtest.h>

namespace espalier {
namespace {

TEST(NeuronAxis, IsKnownOfProjectionsAlone) {
  const std::string qwen = "model.layers.1.mlp.experts.3.", bert = "bert.encoder.layer.1.moe.experts.3.";
  const std::string mixtral = "model.layers.1.block_sparse_moe.experts.3.";
  EXPECT_EQ(neuron_axis("qwen3_moe", qwen + "gate_proj.weight"), NeuronAxis::kRows);
  EXPECT_EQ(neuron_axis("qwen3_moe", qwen + "down_proj.weight"), NeuronAxis::kColumns);
  EXPECT_EQ(neuron_axis("mixtral", mixtral + "w3.weight"), NeuronAxis::kRows);
  EXPECT_EQ(neuron_axis("mixtral", mixtral + "w2.weight"), NeuronAxis::kColumns);
  EXPECT_EQ(neuron_axis("espalier_bert_moe", bert + "intermediate.dense.weight"), NeuronAxis::kRows);
  EXPECT_EQ(neuron_axis("espalier_bert_moe", bert + "intermediate.dense.bias"), NeuronAxis::kColumns);
  EXPECT_EQ(neuron_axis("espalier_bert_moe", bert + "output.dense.weight"), NeuronAxis::kColumns);
  EXPECT_EQ(neuron_axis("espalier_bert_moe", bert + "output.dense.bias"), NeuronAxis::kNone);
  for (const char* role : {"w1.weight_scale_inv", "w1.qweight", "gate_proj.weight", ""})
    EXPECT_EQ(neuron_axis("mixtral", mixtral + role), NeuronAxis::kUnknown) << role;
  EXPECT_EQ(neuron_axis("qwen3_moe", "model.layers.1.mlp.experts.gate_up_proj"), NeuronAxis::kUnknown);
}

}  // namespace
}  // namespace espalier
