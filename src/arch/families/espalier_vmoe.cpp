#include <fmt/format.h>

#include "arch/vmoe_layers.h"

namespace espalier::arch {
namespace {

using nlohmann::json;

ImageInput read_input(JsonObject& fields) {
  const ImageInput input{fields.integer("image_size", {1, 16'384}),
                         fields.integer("patch_size", {1, 16'384})};
  if (input.image_size % input.patch_size != 0)
    fields.fail("patch_size",
                fmt::format("{} does not divide image_size {}", input.patch_size, input.image_size));
  return input;
}

ModelSpec read(ConfigFields& config) {
  JsonObject& fields = config.fields();
  ModelSpec spec;
  spec.family = config.family().model_type;
  spec.input = read_input(fields);
  spec.width = config.width("hidden_size");
  const Norm norm{NormKind::kLayer, fields.number("layer_norm_eps", {1e-20, 1.0}, 1e-6)};
  const BlockSpec block{NormPlacement::kPre, norm, full_attention(config, spec.width),
                        gelu_network(config.width("intermediate_size"))};
  spec.blocks.assign(static_cast<std::size_t>(config.layers()), block);
  spec.final_norm = norm;
  spec.heads.classifier = true;
  spec.heads.labels = config.labels();
  spec.members = fields.integer("ensemble_size", {1, kMostExperts}, 1);
  spec.training.hidden_dropout = fields.number("hidden_dropout_prob", {0.0, 0.9}, 0.0);
  spec.training.initializer_range = fields.number("initializer_range", {0.0, 10.0}, 0.02);
  read_vmoe_layers(config, spec);
  return spec;
}

json write(const ModelSpec& spec, const json& fields) {
  const BlockSpec& block = spec.blocks.front();
  json out = fields;
  out["model_type"] = spec.family;
  out["image_size"] = spec.image().image_size;
  out["patch_size"] = spec.image().patch_size;
  out["hidden_size"] = spec.width;
  out["num_hidden_layers"] = spec.layers();
  out["num_attention_heads"] = std::get<GroupedAttention>(block.mixer).heads;
  out["intermediate_size"] =
      block.moe() ? block.moe()->expert.width : std::get<FeedForward>(block.feed_forward).width;
  out["layer_norm_eps"] = block.norm.epsilon;
  out["hidden_dropout_prob"] = spec.training.hidden_dropout;
  out["initializer_range"] = spec.training.initializer_range;
  out["id2label"] = json::object();
  for (std::size_t i = 0; i < spec.heads.labels.size(); ++i)
    out["id2label"][std::to_string(i)] = spec.heads.labels[i];
  out["ensemble_size"] = spec.members;
  write_vmoe_layers(spec, out);
  return out;
}

constexpr TensorRow kRows[] = {
    {Role::kPatch, Part::kWeight, "embeddings.patch.weight"},
    {Role::kPatch, Part::kBias, "embeddings.patch.bias"},
    {Role::kClassToken, Part::kWeight, "embeddings.class_token"},
    {Role::kPositionEmbedding, Part::kWeight, "embeddings.position"},
    {Role::kMixerNorm, Part::kWeight, "encoder.layer.{L}.attention_norm.weight"},
    {Role::kMixerNorm, Part::kBias, "encoder.layer.{L}.attention_norm.bias"},
    {Role::kQuery, Part::kWeight, "encoder.layer.{L}.attention.query.weight"},
    {Role::kQuery, Part::kBias, "encoder.layer.{L}.attention.query.bias"},
    {Role::kKey, Part::kWeight, "encoder.layer.{L}.attention.key.weight"},
    {Role::kKey, Part::kBias, "encoder.layer.{L}.attention.key.bias"},
    {Role::kValue, Part::kWeight, "encoder.layer.{L}.attention.value.weight"},
    {Role::kValue, Part::kBias, "encoder.layer.{L}.attention.value.bias"},
    {Role::kMixerOutput, Part::kWeight, "encoder.layer.{L}.attention.output.weight"},
    {Role::kMixerOutput, Part::kBias, "encoder.layer.{L}.attention.output.bias"},
    {Role::kFeedForwardNorm, Part::kWeight, "encoder.layer.{L}.feed_forward_norm.weight"},
    {Role::kFeedForwardNorm, Part::kBias, "encoder.layer.{L}.feed_forward_norm.bias"},
    {Role::kUp, Part::kWeight, "encoder.layer.{L}.intermediate.dense.weight"},
    {Role::kUp, Part::kBias, "encoder.layer.{L}.intermediate.dense.bias"},
    {Role::kDown, Part::kWeight, "encoder.layer.{L}.output.dense.weight"},
    {Role::kDown, Part::kBias, "encoder.layer.{L}.output.dense.bias"},
    {Role::kRouter, Part::kWeight, "encoder.layer.{L}.moe.router.weight"},
    {Role::kNovices, Part::kBias, "encoder.layer.{L}.moe.novices.bias"},
    {Role::kExpertUp, Part::kWeight, "encoder.layer.{L}.moe.experts.{e}.intermediate.dense.weight"},
    {Role::kExpertUp, Part::kBias, "encoder.layer.{L}.moe.experts.{e}.intermediate.dense.bias"},
    {Role::kExpertDown, Part::kWeight, "encoder.layer.{L}.moe.experts.{e}.output.dense.weight"},
    {Role::kExpertDown, Part::kBias, "encoder.layer.{L}.moe.experts.{e}.output.dense.bias"},
    {Role::kFinalNorm, Part::kWeight, "encoder.norm.weight"},
    {Role::kFinalNorm, Part::kBias, "encoder.norm.bias"},
    {Role::kClassifier, Part::kWeight, "classifier.weight"},
    {Role::kClassifier, Part::kBias, "classifier.bias"},
};

}  // namespace

Family espalier_vmoe() {
  Family family;
  family.model_type = "espalier_vmoe";
  family.title = "vision transformer with MoE layers";
  family.read = read;
  family.write = write;
  family.usual = kRows;
  family.can.count_may_be_list = true;
  family.can.keeps_router_rows = true;
  return family;
}

}  // namespace espalier::arch
