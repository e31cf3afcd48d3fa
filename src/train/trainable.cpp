#include "train/trainable.h"

#include <fmt/format.h>

#include "arch/family.h"
#include "arch/tensor_names.h"
#include "base/error.h"

namespace espalier::train {
namespace {

using arch::BlockSpec;

const arch::GroupedAttention* grouped(const BlockSpec& block) {
  return std::get_if<arch::GroupedAttention>(&block.mixer);
}
const arch::LatentAttention* latent(const BlockSpec& block) {
  return std::get_if<arch::LatentAttention>(&block.mixer);
}

/// The dense network or an expert of a block.
const arch::FeedForward& network(const BlockSpec& block) {
  return block.moe() ? block.moe()->expert : std::get<arch::FeedForward>(block.feed_forward);
}

bool has_other_network(const BlockSpec& block) {
  const arch::FeedForward& n = network(block);
  const bool usual = n.gated ? n.activation == arch::Activation::kSilu && !n.biases
                             : n.activation == arch::Activation::kGelu;
  return !usual || n.limit || n.silu_slope != 1.0 || n.up_shift != 0.0;
}

bool has_other_router(const BlockSpec& block) {
  const auto* moe = block.moe();
  if (moe == nullptr) return false;
  const RouterConfig& rule = moe->router.rule;
  return rule.score == GateScore::kSparseMixer || rule.bias_on_logits || moe->router.bias ||
         moe->router.scales_input || moe->output_scale != 1.0 || moe->input_width > 0;
}

bool has_other_heads(const BlockSpec& block) {
  const auto* a = grouped(block);
  if (const auto* l = latent(block)) return l->temperature.has_value() || l->indexer.has_value();
  if (a == nullptr) return false;
  return a->chunks || a->sinks || a->norm_after_rotation || a->query_key_norm == arch::QueryKeyNorm::kUnit ||
         a->output_gate != arch::OutputGate::kNone || a->value_scale != 1.0 || a->temperature;
}

bool turns_otherwise(const BlockSpec& block) {
  const auto* rotary = arch::rotary_of(block.mixer);
  if (rotary == nullptr) return false;
  const bool part = grouped(block) != nullptr && rotary->width != grouped(block)->key_width;
  return rotary->longer || (rotary->yarn && !rotary->yarn->truncate) || part;
}

bool has_other_norms(const BlockSpec& block) {
  const bool decoder = block.placement == arch::NormPlacement::kPre && network(block).gated;
  return block.norm.from_one || !block.norm.bias || (decoder && block.norm.kind == arch::NormKind::kLayer) ||
         !(block.residual == arch::Residual{});
}

bool has_other_ends(const arch::ModelSpec& spec) {
  const auto* text = std::get_if<arch::TextInput>(&spec.input);
  const auto& head = spec.heads.language;
  return (text != nullptr && text->multiplier != 1.0) ||
         (head && (head->bias || head->multiplier != 1.0 || head->softcap));
}

/// What is trained is saved under each role's first row.
bool is_stored_otherwise(const arch::ModelSpec& spec) {
  const arch::Family& family = arch::family_named(spec.family);
  if (!family.aliases.empty() && family.modules.starts_with("language_model.")) return true;
  const auto bias =
      arch::names_of(spec.family).rows(arch::Role::kRouter, arch::Part::kCorrection, arch::Stack::kOnly);
  return !bias.empty() && bias.front()->storage != arch::Storage::kOwn;
}

std::string_view untrained(const arch::ModelSpec& spec) {
  if (is_stored_otherwise(spec)) return "saving in this family's layout";
  if (has_other_ends(spec)) return "multipliers, bounds or biases of embeddings and logits";
  for (const BlockSpec& block : spec.blocks) {
    if (std::holds_alternative<arch::Absent>(block.mixer) ||
        std::holds_alternative<arch::Absent>(block.feed_forward))
      return "blocks of one part";
    if (arch::has_state(block.mixer)) return "mixers with a state";
    if (has_other_heads(block)) return "this kind of attention (sinks, gates, chunks, temperatures)";
    if (turns_otherwise(block)) return "this kind of rotary embedding (of a part of each head, or scaled)";
    if (has_other_norms(block)) return "this placement or kind of norms";
    if (has_other_network(block)) return "this kind of feed-forward network (bounds, biases, activations)";
    if (has_other_router(block)) return "this kind of router";
  }
  return {};
}

}  // namespace

void expect_trains(const arch::ModelSpec& spec, std::string_view source) {
  const std::string_view what = untrained(spec);
  if (what.empty()) return;
  throw UserError(
      fmt::format("{}: {} models run, but are not trained: training lacks {}", source, spec.family, what),
      "observe, plan, prune, compare, eval and generate work on it");
}

}  // namespace espalier::train
