#include <fmt/format.h>

#include "base/error.h"
#include "model/encoder_parameters.h"
#include "model/random_tensor.h"
#include "model/vmoe.h"

namespace espalier {
namespace {

using Visit = ParameterVisitor;

void visit_block(const std::string& name, VmoeBlock& block, const Visit& visit) {
  visit_pair(name + ".attention_norm", block.attention_norm.weight, block.attention_norm.bias, visit);
  visit_pair(name + ".attention.qkv", block.qkv.weight, block.qkv.bias, visit);
  visit_pair(name + ".attention.output", block.attention_output.weight, block.attention_output.bias, visit);
  visit_pair(name + ".feed_forward_norm", block.feed_forward_norm.weight, block.feed_forward_norm.bias,
             visit);
  visit_feed_forward(name, block.feed_forward, visit);
}

Linear linear(std::int64_t out, std::int64_t in) {
  return {torch::zeros({out, in}), torch::zeros({out})};
}

MoeLayer moe_layer(const VmoeLayer& layer, std::int64_t D, std::int64_t F) {
  const auto E = layer.experts;
  MoeLayer moe{
      torch::zeros({layer.router_rows, D}),
      {torch::zeros({E, F, D}), torch::zeros({E, F}), torch::zeros({E, D, F}), torch::zeros({E, D})}};
  if (layer.router_rows != E) {
    moe.expert_of_row.assign(static_cast<std::size_t>(layer.router_rows), -1);
    for (std::size_t e = 0; e < layer.expert_rows.size(); ++e)
      moe.expert_of_row[static_cast<std::size_t>(layer.expert_rows[e])] = static_cast<std::int32_t>(e);
    if (layer.novices) moe.novices = torch::zeros({layer.router_rows - E, D});
  }
  return moe;
}

bool is_weight(const std::string& name) {
  return !name.ends_with("bias") && !name.starts_with("classifier") && name != "embeddings.class_token";
}

}  // namespace

VmoeModel shaped_vmoe(const VmoeConfig& config) {
  const auto D = config.hidden_size, F = config.intermediate_size;
  const auto norm = [D] { return LayerNorm{torch::ones({D}), torch::zeros({D})}; };
  VmoeModel model;
  model.config = config;
  model.patch = linear(D, config.patch_values());
  model.class_token = torch::zeros({D});
  model.position = torch::zeros({config.positions(), D});
  for (std::int64_t l = 0; l < config.num_hidden_layers; ++l) {
    VmoeBlock block{norm(), linear(3 * D, D), linear(D, D), norm(), FfnWeights{}};
    if (const VmoeLayer* layer = config.moe_in(l))
      block.feed_forward = moe_layer(*layer, D, F);
    else
      block.feed_forward =
          FfnWeights{torch::zeros({F, D}), torch::zeros({F}), torch::zeros({D, F}), torch::zeros({D})};
    model.blocks.push_back(std::move(block));
  }
  model.norm = norm();
  model.classifier = linear(static_cast<std::int64_t>(config.labels.size()), D);
  return model;
}

void visit_parameters(VmoeModel& model, const Visit& visit) {
  visit_pair("embeddings.patch", model.patch.weight, model.patch.bias, visit);
  visit("embeddings.class_token", model.class_token);
  visit("embeddings.position", model.position);
  for (std::size_t l = 0; l < model.blocks.size(); ++l)
    visit_block(fmt::format("encoder.layer.{}", l), model.blocks[l], visit);
  visit_pair("encoder.norm", model.norm.weight, model.norm.bias, visit);
  visit_pair("classifier", model.classifier.weight, model.classifier.bias, visit);
}

std::int64_t parameter_count(const VmoeModel& model) {
  std::int64_t count = 0;
  visit_parameters(const_cast<VmoeModel&>(model),
                   [&](const std::string&, torch::Tensor& parameter) { count += parameter.numel(); });
  return count;
}

VmoeModel initialize_vmoe(const VmoeConfig& config, std::uint64_t seed) {
  VmoeModel model = shaped_vmoe(config);
  visit_parameters(model, [&](const std::string& name, torch::Tensor& parameter) {
    if (is_weight(name) && name.find("norm") == std::string::npos)
      parameter = random_normal(parameter.sizes(), config.initializer_range, seed, name);
  });
  return model;
}

void reset_classifier(VmoeModel& model, std::vector<std::string> labels) {
  model.classifier = linear(static_cast<std::int64_t>(labels.size()), model.config.hidden_size);
  model.config.labels = std::move(labels);
}

torch::Tensor resized_positions(const torch::Tensor& position, std::int64_t size) {
  const auto D = position.size(1), patches = position.size(0) - 1;
  std::int64_t old = 1;
  while (old * old < patches) ++old;
  if (old == size) return position;
  const auto grid = position.narrow(0, 1, patches).t().reshape({1, D, old, old});
  const auto resized = torch::upsample_bilinear2d(grid, {size, size}, /*align_corners=*/false);
  return torch::cat({position.narrow(0, 0, 1), resized.reshape({D, size * size}).t()}).contiguous();
}

void set_image_size(VmoeModel& model, std::int64_t image_size) {
  auto config = model.config;
  config.image_size = image_size;
  validate(config, fmt::format("image size {}", image_size));
  const torch::NoGradGuard no_grad;
  model.position = resized_positions(model.position, image_size / config.patch_size);
  model.config = std::move(config);
}

}  // namespace espalier
