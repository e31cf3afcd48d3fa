#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "arch/decoder_parts.h"

namespace espalier::arch {
namespace {

Yarn yarn(JsonObject& scaling, std::int64_t longest) {
  Yarn yarn;
  yarn.factor = scaling.number("factor", {1.0, 1e6});
  yarn.beta_fast = scaling.number("beta_fast", {1e-3, 1e6}, yarn.beta_fast);
  yarn.beta_slow = scaling.number("beta_slow", {1e-3, 1e6}, yarn.beta_slow);
  yarn.mscale = scaling.number("mscale", {0.0, 1e3}, yarn.mscale);
  yarn.mscale_all_dim = scaling.number("mscale_all_dim", {0.0, 1e3}, yarn.mscale_all_dim);
  yarn.original_positions =
      scaling.integer("original_max_position_embeddings", {1, std::int64_t{1} << 32}, longest);
  if (scaling.has("attention_factor"))
    yarn.attention_factor = scaling.number("attention_factor", {1e-6, 1e6});
  return yarn;
}

Rotary rotary(ConfigFields& config, std::int64_t width, double theta) {
  constexpr NumberRange kThetas{1.0, 1e12};
  JsonObject& fields = config.fields();
  const std::string_view where = fields.has("rope_parameters") ? "rope_parameters" : "rope_scaling";
  Rotary rotary;
  rotary.width = width;
  rotary.theta = fields.number("rope_theta", kThetas, theta);
  if (!fields.has(where)) return rotary;
  JsonObject scaling = fields.object(where);
  rotary.theta = scaling.number("rope_theta", kThetas, rotary.theta);
  const std::string type =
      scaling.has("rope_type") ? scaling.string("rope_type") : scaling.string("type", "default");
  if (type == "yarn") {
    rotary.yarn = yarn(scaling, fields.integer("max_position_embeddings", {1, std::int64_t{1} << 32},
                                               std::int64_t{1} << 15));
  } else if (type == "linear") {
    rotary.linear_factor = scaling.number("factor", {1e-6, 1e6});
  } else if (type != "default") {
    fields.fail(where, fmt::format("found the type \"{}\", expected default, linear or yarn", type));
  }
  return rotary;
}

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
  attention.rotary = rotary(config, attention.key_width, theta);
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
  latent.rotary = rotary(config, turned, 1e4);
  latent.rotary.pairs = pairs;
  latent.down_bias = latent.output_bias = fields.boolean("attention_bias", false);
  latent.scale = scale_of(latent.key_width());
  if (latent.rotary.yarn) {  // mscale_all_dim counts twice: for queries and for keys
    const double m = yarn_mscale(latent.rotary.yarn->factor, latent.rotary.yarn->mscale_all_dim);
    latent.scale *= m * m;
  }
  return latent;
}

}  // namespace espalier::arch
