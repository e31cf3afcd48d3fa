#include "model/encoder_parameters.h"

namespace espalier {

void visit_pair(const std::string& name, torch::Tensor& weight, torch::Tensor& bias,
                const ParameterVisitor& visit) {
  visit(name + ".weight", weight);
  visit(name + ".bias", bias);
}

void visit_feed_forward(const std::string& block, std::variant<FfnWeights, MoeLayer>& feed_forward,
                        const ParameterVisitor& visit) {
  if (auto* ffn = std::get_if<FfnWeights>(&feed_forward)) {
    visit_pair(block + ".intermediate.dense", ffn->up, ffn->up_bias, visit);
    visit_pair(block + ".output.dense", ffn->down, ffn->down_bias, visit);
    return;
  }
  auto& moe = std::get<MoeLayer>(feed_forward);
  visit(block + ".moe.router.weight", moe.router);
  if (moe.novices.defined()) visit(block + ".moe.novices.bias", moe.novices);
  visit(block + ".moe.experts.up", moe.experts.up);
  visit(block + ".moe.experts.up_bias", moe.experts.up_bias);
  visit(block + ".moe.experts.down", moe.experts.down);
  visit(block + ".moe.experts.down_bias", moe.experts.down_bias);
}

}  // namespace espalier
