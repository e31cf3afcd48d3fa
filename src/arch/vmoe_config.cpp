#include "arch/vmoe_config.h"

#include <fmt/format.h>

#include <cmath>

#include "arch/family.h"
#include "base/error.h"

namespace espalier {
namespace {

arch::BlockSpec block_of(const VmoeConfig& config) {
  arch::GroupedAttention attention;
  attention.heads = attention.key_value_heads = config.num_attention_heads;
  attention.key_width = attention.value_width = config.hidden_size / config.num_attention_heads;
  attention.scale = 1.0 / std::sqrt(static_cast<double>(attention.key_width));
  attention.causal = false;
  attention.query_key_value_bias = attention.output_bias = true;
  return {arch::NormPlacement::kPre,
          {arch::NormKind::kLayer, config.layer_norm_eps},
          attention,
          arch::FeedForward{config.intermediate_size, false, arch::Activation::kGelu, true}};
}

arch::Router router_of(const VmoeConfig& config, const VmoeLayer& layer) {
  arch::Router router;
  router.rule.experts_per_token = config.num_experts_per_tok;
  router.rule.normalise = false;
  router.chooser =
      config.router == RouterKind::kTokenChoice ? arch::WhoChooses::kTokens : arch::WhoChooses::kExperts;
  router.capacity_factor = config.capacity_factor;
  router.capacity_experts = layer.capacity_experts;
  router.batch_prioritized = config.batch_prioritized;
  router.rows = layer.router_rows;
  router.expert_rows = layer.expert_rows;
  router.novices = layer.novices;
  router.noise = config.router_noise;
  return router;
}

arch::ModelSpec spec_of(const VmoeConfig& config) {
  arch::ModelSpec spec;
  spec.family = kVmoeModelType;
  spec.input = arch::ImageInput{config.image_size, config.patch_size};
  spec.width = config.hidden_size;
  const arch::BlockSpec block = block_of(config);
  spec.blocks.assign(static_cast<std::size_t>(config.num_hidden_layers), block);
  for (const VmoeLayer& layer : config.moe)
    spec.blocks.at(static_cast<std::size_t>(layer.block)).feed_forward = arch::MixtureOfExperts{
        layer.experts, std::get<arch::FeedForward>(block.feed_forward), router_of(config, layer), {}};
  spec.final_norm = block.norm;
  spec.heads.classifier = true;
  spec.heads.labels = config.labels;
  spec.members = config.ensemble_size;
  spec.training.hidden_dropout = config.hidden_dropout_prob;
  spec.training.initializer_range = config.initializer_range;
  return spec;
}

VmoeConfig config_of(const arch::ModelSpec& spec, nlohmann::json fields) {
  const arch::BlockSpec& block = spec.blocks.front();
  VmoeConfig config;
  config.image_size = spec.image().image_size;
  config.patch_size = spec.image().patch_size;
  config.hidden_size = spec.width;
  config.num_hidden_layers = spec.layers();
  config.num_attention_heads = std::get<arch::GroupedAttention>(block.mixer).heads;
  config.intermediate_size =
      block.moe() ? block.moe()->expert.width : std::get<arch::FeedForward>(block.feed_forward).width;
  config.layer_norm_eps = block.norm.epsilon;
  config.hidden_dropout_prob = spec.training.hidden_dropout;
  config.initializer_range = spec.training.initializer_range;
  config.labels = spec.heads.labels;
  config.ensemble_size = spec.members;
  for (const std::int64_t layer : arch::moe_layers(spec)) {
    const arch::MixtureOfExperts& moe = *spec.blocks[static_cast<std::size_t>(layer)].moe();
    const arch::Router& router = moe.router;
    config.moe.push_back(
        {layer, moe.experts, router.rows, router.expert_rows, router.capacity_experts, router.novices});
    config.router =
        router.chooser == arch::WhoChooses::kTokens ? RouterKind::kTokenChoice : RouterKind::kExpertChoice;
    config.num_experts_per_tok = router.rule.experts_per_token;
    config.capacity_factor = router.capacity_factor;
    config.batch_prioritized = router.batch_prioritized;
    config.router_noise = router.noise;
  }
  config.fields = std::move(fields);
  return config;
}

}  // namespace

const VmoeLayer* VmoeConfig::moe_in(std::int64_t block) const {
  for (const VmoeLayer& layer : moe)
    if (layer.block == block) return &layer;
  return nullptr;
}

VmoeConfig parse_vmoe_config(const nlohmann::json& json, std::string_view source) {
  const arch::ModelSpec spec = arch::read_spec(json, source);
  if (!std::holds_alternative<arch::ImageInput>(spec.input))
    throw UserError(fmt::format("{}: model_type: found \"{}\", expected a vision model: \"{}\"", source,
                                spec.family, kVmoeModelType));
  return config_of(spec, json);
}

void validate(const VmoeConfig& config, std::string_view source) {
  arch::read_spec(to_json(config), source);
}

nlohmann::json to_json(const VmoeConfig& config) {
  return arch::write_spec(spec_of(config), config.fields);
}

void describe_plan(const Plan& plan, VmoeConfig& config) {
  config = config_of(arch::after_plan(spec_of(config), plan), config.fields);
}

}  // namespace espalier
