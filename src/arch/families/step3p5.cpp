#include "arch/decoder_parts.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <sstream>

namespace espalier::arch {
namespace {

/// "3,4,5"
std::vector<bool> sparse_of(ConfigFields& config, std::string_view key) {
  std::vector<bool> sparse(static_cast<std::size_t>(config.layers()), false);
  std::istringstream list(config.fields().string(key));
  for (std::string item; std::getline(list, item, ',');) {
    std::int64_t layer = -1;
    const auto [end, error] = std::from_chars(item.data(), item.data() + item.size(), layer);
    if (error != std::errc{} || end != item.data() + item.size() || layer < 0 || layer >= config.layers())
      config.fields().fail(
          key, fmt::format("found \"{}\", expected a block from 0 to {}", item, config.layers() - 1));
    sparse[static_cast<std::size_t>(layer)] = true;
  }
  return sparse;
}

/// [L] bounds of gated networks, 0 where there is none.
std::vector<double> limits(ConfigFields& config, std::string_view key) {
  if (!config.fields().has(key)) return std::vector<double>(static_cast<std::size_t>(config.layers()), 0.0);
  auto limits = config.fields().numbers(key, {0.0, 1e9});
  if (limits.size() > static_cast<std::size_t>(config.layers()))  // next-token layers have theirs behind
    limits.resize(static_cast<std::size_t>(config.layers()));
  expect_one_per_block(config, key, limits.size());
  return limits;
}

std::optional<GatedLimit> limit_of(double most) {
  return most > 0.0 ? std::optional<GatedLimit>({most, true}) : std::nullopt;
}

GroupedAttention read_attention(ConfigFields& config) {
  JsonObject& fields = config.fields();
  GroupedAttention attention = grouped_attention(config, 1e4);
  attention.key_value_heads =
      fields.integer("num_attention_groups", {1, attention.heads}, attention.key_value_heads);
  read_attention_bias(config, attention);
  const double divisor =
      fields.number("query_pre_attn_scalar", {1.0, 1e6}, static_cast<double>(attention.key_width));
  attention.scale = 1.0 / std::sqrt(divisor);
  attention.query_key_norm = QueryKeyNorm::kPerHead;
  attention.output_gate = OutputGate::kPerHead;
  return attention;
}

ModelSpec read_step3p5(ConfigFields& config) {
  JsonObject& fields = config.fields();
  const bool enumerated = fields.has("moe_layers_enum");
  DecoderParts parts = moe_parts(config, Routing::kSigmoidWithBias,
                                 enumerated ? sparse_of(config, "moe_layers_enum") : sparse_blocks(config));
  parts.mixer = read_attention(config);
  parts.windows = windows_by_type(config);
  parts.turned_part = 1.0;
  ModelSpec spec = decoder_spec(config, parts);
  spec.final_norm->from_one = true;
  const auto of_experts = limits(config, "swiglu_limits"), of_others = limits(config, "swiglu_limits_shared");
  for (std::size_t layer = 0; layer < spec.blocks.size(); ++layer) {
    BlockSpec& block = spec.blocks[layer];
    block.norm.from_one = true;
    auto& mixer = std::get<GroupedAttention>(block.mixer);
    if (mixer.window > 0 && fields.has("attention_other_setting"))
      mixer.heads =
          fields.object("attention_other_setting").integer("num_attention_heads", {1, kMostExperts});
    if (auto* dense = std::get_if<FeedForward>(&block.feed_forward))
      dense->limit = limit_of(of_others[layer]);
    if (block.moe() == nullptr) continue;
    block.moe()->expert.limit = limit_of(of_experts[layer]);
    if (block.moe()->shared) block.moe()->shared->network.limit = limit_of(of_others[layer]);
  }
  return spec;
}

}  // namespace

Family step3p5() {
  static constexpr TensorRow rows[] = {
      {Role::kOutputGate, Part::kWeight, "{M}layers.{L}.self_attn.g_proj.weight"},
      {Role::kRouter, Part::kCorrection, "{M}layers.{L}.moe.router_bias"},
      {Role::kRouter, Part::kWeight, "{M}layers.{L}.moe.gate.weight"},
      {Role::kExpertGate, Part::kWeight, "{M}layers.{L}.moe.gate_proj.weight", Storage::kStacked},
      {Role::kExpertUp, Part::kWeight, "{M}layers.{L}.moe.up_proj.weight", Storage::kStacked},
      {Role::kExpertDown, Part::kWeight, "{M}layers.{L}.moe.down_proj.weight", Storage::kStacked},
      {Role::kExpertGate, Part::kWeight, "{M}layers.{L}.moe.experts.{e}.gate_proj.weight"},
      {Role::kExpertUp, Part::kWeight, "{M}layers.{L}.moe.experts.{e}.up_proj.weight"},
      {Role::kExpertDown, Part::kWeight, "{M}layers.{L}.moe.experts.{e}.down_proj.weight"},
      {Role::kSharedGate, Part::kWeight, "{M}layers.{L}.share_expert.gate_proj.weight"},
      {Role::kSharedUp, Part::kWeight, "{M}layers.{L}.share_expert.up_proj.weight"},
      {Role::kSharedDown, Part::kWeight, "{M}layers.{L}.share_expert.down_proj.weight"},
  };
  static constexpr Variant variants[] = {
      {"step3p7", "Step-3.7", "model.", "text_config"},
  };
  Family family = decoder_family("step3p5", "Step-3.5", read_step3p5);
  family.rows = rows;
  family.config.experts = "moe_num_experts";
  family.config.experts_per_token = "moe_top_k";
  family.variants = variants;
  family.formats = "bf16, fp8, int4";
  return family;
}

}  // namespace espalier::arch
