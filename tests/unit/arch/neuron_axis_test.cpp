#include "arch/neuron_axis.h"

#include <gtest/gtest.h>

namespace espalier {
namespace {

TEST(NeuronAxis, IsKnownOfProjectionsAlone) {
  for (const char* role : {"w1.weight", "w3.weight", "gate_proj.weight", "up_proj.weight", "wi.weight",
                           "intermediate.dense.weight"})
    EXPECT_EQ(neuron_axis(role), NeuronAxis::kRows) << role;
  for (const char* role :
       {"w2.weight", "down_proj.weight", "wo.weight", "output.dense.weight", "intermediate.dense.bias"})
    EXPECT_EQ(neuron_axis(role), NeuronAxis::kColumns) << role;
  EXPECT_EQ(neuron_axis("output.dense.bias"), NeuronAxis::kNone);
  for (const char* role : {"w1.weight_scale_inv", "w1.qweight", "gate_up_proj", "gate_up_proj.weight", ""})
    EXPECT_EQ(neuron_axis(role), NeuronAxis::kUnknown) << role;
}

}  // namespace
}  // namespace espalier
