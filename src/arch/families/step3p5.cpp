#include "arch/decoder_parts.h"

#include <fmt/format.h>

#include <charconv>
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

ModelSpec read_step3p5(ConfigFields& config) {
  const bool enumerated = config.fields().has("moe_layers_enum");
  return unread_spec(config,
                     moe_parts(config, Routing::kSigmoidWithBias,
                               enumerated ? sparse_of(config, "moe_layers_enum") : sparse_blocks(config)));
}

}  // namespace

Family step3p5() {
  static constexpr TensorRow rows[] = {
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
  family.can.missing = "gates of heads, and clamped SwiGLU on some layers";
  family.formats = "bf16, fp8, int4";
  return family;
}

}  // namespace espalier::arch
