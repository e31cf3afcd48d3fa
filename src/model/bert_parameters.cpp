#include <fmt/format.h>

#include "model/bert.h"
#include "model/encoder_parameters.h"

namespace espalier {
namespace {

using Visit = ParameterVisitor;

void visit_linear(const std::string& name, Linear& linear, const Visit& visit) {
  visit_pair(name, linear.weight, linear.bias, visit);
}

void visit_norm(const std::string& name, LayerNorm& norm, const Visit& visit) {
  visit_pair(name, norm.weight, norm.bias, visit);
}

}  // namespace

void visit_parameters(BertModel& model, const Visit& visit) {
  visit("bert.embeddings.word_embeddings.weight", model.embeddings.word);
  visit("bert.embeddings.position_embeddings.weight", model.embeddings.position);
  visit("bert.embeddings.token_type_embeddings.weight", model.embeddings.token_type);
  visit_norm("bert.embeddings.LayerNorm", model.embeddings.norm, visit);
  for (std::size_t l = 0; l < model.blocks.size(); ++l) {
    auto& block = model.blocks[l];
    const auto name = fmt::format("bert.encoder.layer.{}", l);
    visit_linear(name + ".attention.self.qkv", block.qkv, visit);
    visit_linear(name + ".attention.output.dense", block.attention_output, visit);
    visit_norm(name + ".attention.output.LayerNorm", block.attention_norm, visit);
    visit_feed_forward(name, block.feed_forward, visit);
    visit_norm(name + ".output.LayerNorm", block.output_norm, visit);
  }
  if (model.pooler) visit_linear("bert.pooler.dense", *model.pooler, visit);
  if (model.mlm_head) {
    visit_linear("cls.predictions.transform.dense", model.mlm_head->transform, visit);
    visit_norm("cls.predictions.transform.LayerNorm", model.mlm_head->norm, visit);
    visit("cls.predictions.bias", model.mlm_head->bias);
  }
  if (model.classifier) visit_linear("classifier", *model.classifier, visit);
}

std::int64_t parameter_count(const BertModel& model) {
  std::int64_t count = 0;
  visit_parameters(const_cast<BertModel&>(model),
                   [&](const std::string&, torch::Tensor& parameter) { count += parameter.numel(); });
  return count;
}

}  // namespace espalier
