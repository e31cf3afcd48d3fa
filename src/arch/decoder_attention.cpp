#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "arch/decoder_parts.h"

namespace espalier::arch {
namespace {

std::int64_t heads(ConfigFields& config) {
  return config.fields().integer("num_attention_heads", {1, kMostExperts});
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
  const std::int64_t width = config.width("hidden_size");
  attention.key_width = attention.value_width =
      fields.integer("head_dim", {1, kWidest}, std::max<std::int64_t>(1, width / attention.heads));
  if (attention.key_width % 2 != 0)
    fields.fail(
        fields.has("head_dim") ? "head_dim" : "num_attention_heads",
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

}  // namespace espalier::arch
