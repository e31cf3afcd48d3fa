#include "arch/spec.h"

#include <fmt/format.h>

#include <cmath>

#include "base/error.h"

namespace espalier::arch {

double yarn_mscale(double factor, double m) {
  return factor <= 1.0 ? 1.0 : 0.1 * m * std::log(factor) + 1.0;
}

double yarn_amplitude(const Yarn& yarn) {
  if (yarn.attention_factor) return *yarn.attention_factor;
  return yarn_mscale(yarn.factor, yarn.mscale) / yarn_mscale(yarn.factor, yarn.mscale_all_dim);
}

std::int64_t heads_of(const Mixer& mixer) {
  return std::visit(
      [](const auto& a) -> std::int64_t {
        if constexpr (requires { a.heads; })
          return a.heads;
        else if constexpr (requires { a.value_heads; })
          return a.value_heads;
        else
          return 0;
      },
      mixer);
}

bool has_state(const Mixer& mixer) {
  return std::holds_alternative<GatedDelta>(mixer) || std::holds_alternative<ShortConvolution>(mixer) ||
         std::holds_alternative<Mamba2>(mixer);
}

const Rotary* rotary_of(const Mixer& mixer) {
  if (const auto* latent = std::get_if<LatentAttention>(&mixer)) return &latent->rotary;
  const auto* grouped = std::get_if<GroupedAttention>(&mixer);
  return grouped != nullptr && grouped->rotary ? &*grouped->rotary : nullptr;
}

std::vector<std::int64_t> moe_layers(const ModelSpec& spec) {
  std::vector<std::int64_t> layers;
  for (std::int64_t layer = 0; layer < spec.layers(); ++layer)
    if (spec.blocks[static_cast<std::size_t>(layer)].moe() != nullptr) layers.push_back(layer);
  return layers;
}

const MixtureOfExperts* first_moe(const ModelSpec& spec) {
  for (const BlockSpec& block : spec.blocks)
    if (block.moe() != nullptr) return block.moe();
  return nullptr;
}

RouterConfig routing_rule(const ModelSpec& spec) {
  const MixtureOfExperts* moe = first_moe(spec);
  return moe == nullptr ? RouterConfig{} : moe->router.rule;
}

void check_vocabulary_size(const TextInput& text, std::int64_t pieces, std::string_view vocabulary_source) {
  if (pieces <= text.vocabulary) return;
  throw UserError(fmt::format("{}: {} pieces, but the embeddings have {} rows (vocab_size)",
                              vocabulary_source, pieces, text.vocabulary),
                  "the vocabulary belongs to another model, or vocab_size in config.json is wrong");
}

}  // namespace espalier::arch
