#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "arch/decoder_parts.h"

namespace espalier::arch {
namespace {

std::int64_t heads(ConfigFields& config) {
  return config.fields().integer(config.names().heads, {1, kMostExperts});
}

double scale_of(std::int64_t width) {
  return 1.0 / std::sqrt(static_cast<double>(width));
}

}  // namespace

GroupedAttention grouped_attention(ConfigFields& config, double theta) {
  JsonObject& fields = config.fields();
  GroupedAttention attention;
  attention.heads = heads(config);
  attention.key_value_heads = fields.integer("num_key_value_heads", {1, kMostExperts}, attention.heads);
  if (attention.heads % attention.key_value_heads != 0)
    fields.fail("num_key_value_heads",
                fmt::format("{} do not divide the {} heads", attention.key_value_heads, attention.heads));
  const std::int64_t width = config.width(config.names().width);
  attention.key_width = attention.value_width =
      fields.integer("head_dim", {1, kWidest}, std::max<std::int64_t>(1, width / attention.heads));
  if (attention.key_width % 2 != 0)
    fields.fail(
        fields.has("head_dim") ? "head_dim" : config.names().heads,
        fmt::format("heads are {} wide, expected an even width (rotary embedding)", attention.key_width));
  attention.scale = scale_of(attention.key_width);
  attention.rotary = Rotary{attention.key_width, theta};
  return attention;
}

void read_attention_bias(ConfigFields& config, GroupedAttention& attention) {
  attention.query_key_value_bias = attention.output_bias = config.fields().boolean("attention_bias", false);
}

LatentAttention latent_attention(ConfigFields& config, RotaryPairs pairs) {
  JsonObject& fields = config.fields();
  LatentAttention latent;
  latent.heads = heads(config);
  if (fields.has("q_lora_rank")) latent.query_rank = config.width("q_lora_rank");
  latent.key_value_rank = fields.integer("kv_lora_rank", {1, kWidest}, 512);
  latent.nope_width = fields.integer("qk_nope_head_dim", {1, kWidest}, 128);
  const std::int64_t turned = fields.integer("qk_rope_head_dim", {2, kWidest}, 64);
  latent.value_width = fields.integer("v_head_dim", {1, kWidest}, 128);
  if (turned % 2 != 0)
    fields.fail("qk_rope_head_dim", fmt::format("found {}, expected an even width", turned));
  latent.rotary.width = turned;
  latent.rotary.pairs = pairs;
  latent.down_bias = latent.output_bias = fields.boolean("attention_bias", false);
  latent.scale = scale_of(latent.key_width());
  return latent;
}

KeyIndexer key_indexer(ConfigFields& config, RotaryPairs pairs) {
  JsonObject& fields = config.fields();
  KeyIndexer indexer;
  indexer.heads = fields.integer("index_n_heads", {1, kMostExperts}, 64);
  indexer.width = fields.integer("index_head_dim", {1, kWidest}, 128);
  indexer.most = fields.integer("index_topk", {1, std::int64_t{1} << 40}, 2048);
  indexer.pairs = pairs;
  return indexer;
}

void read_shared_indexers(ConfigFields& config, ModelSpec& spec) {
  if (!config.fields().has("indexer_types")) return;
  const auto types = config.per_block("indexer_types", spec.blocks.size());
  for (std::size_t layer = 0; layer < types.size(); ++layer) {
    auto& indexer = std::get<LatentAttention>(spec.blocks[layer].mixer).indexer;
    indexer->shared = types[layer] == "shared";
    if (indexer->shared && layer == 0)
      config.fields().fail("indexer_types", "block 0 has nothing to share: there is no block before it");
  }
}

GatedDelta gated_delta(ConfigFields& config) {
  JsonObject& fields = config.fields();
  GatedDelta delta;
  delta.key_heads = fields.integer("linear_num_key_heads", {1, kMostExperts});
  delta.value_heads = fields.integer("linear_num_value_heads", {1, kMostExperts});
  if (delta.value_heads % delta.key_heads != 0)
    fields.fail("linear_num_key_heads",
                fmt::format("{} do not divide the {} heads of values (linear_num_value_heads)",
                            delta.key_heads, delta.value_heads));
  delta.key_width = config.width("linear_key_head_dim");
  delta.value_width = config.width("linear_value_head_dim");
  delta.kernel = fields.integer("linear_conv_kernel_dim", {1, 64}, 4);
  return delta;
}

std::vector<bool> attention_blocks(ConfigFields& config) {
  std::vector<bool> attends;
  if (!config.fields().has("layer_types")) {
    const std::int64_t every = config.fields().integer("full_attention_interval", {1, kMostLayers}, 4);
    for (std::int64_t layer = 0; layer < config.layers(); ++layer)
      attends.push_back((layer + 1) % every == 0);
    return attends;
  }
  for (const std::string& type : config.per_block("layer_types", static_cast<std::size_t>(config.layers())))
    attends.push_back(type != "linear_attention");
  return attends;
}

}  // namespace espalier::arch
