#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "surgery/surgery.h"

namespace espalier {
namespace {

constexpr std::int64_t kSafeMultiple = 8;  // of experts, for the fused kernels of inference engines

/// What is different, for which programs.
void note_counts(const Surgery& surgery, std::vector<std::string>& notes) {
  std::set<std::int64_t> counts;
  for (std::size_t i = 0; i < surgery.layers.size(); ++i) {
    if (!surgery.drops(surgery.topology.layers[i])) counts.insert(surgery.experts_after(i));
  }
  if (counts.size() > 1) {
    notes.push_back(fmt::format(
        "layers have {} experts: config.json gets a list, which transformers, vLLM and llama.cpp do "
        "not read (espalier does)",
        fmt::join(counts, ", ")));
    return;
  }
  if (*counts.begin() % kSafeMultiple == 0) return;
  notes.push_back(fmt::format(
      "{} experts a layer: transformers and llama.cpp take any count; the fused kernels and expert "
      "parallelism of vLLM are safest with multiples of {}",
      *counts.begin(), kSafeMultiple));
}

void note_routing(const Surgery& surgery, const nlohmann::json& config, std::vector<std::string>& notes) {
  if (surgery.options.groups == RouterGroups::kReset && config.contains("n_group") && config["n_group"] != 1)
    notes.emplace_back(
        "the router's groups are gone (n_group = topk_group = 1): tokens are routed otherwise");
  if (surgery.experts_per_token != surgery.topology.experts_per_token)
    notes.push_back(fmt::format("experts per token go from {} to {}", surgery.topology.experts_per_token,
                                surgery.experts_per_token));
  const auto normalised = config.find("norm_topk_prob");
  if (!surgery.zero_fills() && normalised != config.end() && *normalised == false)
    notes.emplace_back(
        "norm_topk_prob is false: the survivors' gates grow by what the dropped experts' had (router "
        "reroute)");
}

/// Patterns of module names ("re:..") cannot be renumbered; most name no expert by its number.
void note_patterns(const nlohmann::json& settings, std::vector<std::string>& notes) {
  const auto visit = [&](const std::string& text) {
    if (text.starts_with("re:") && text.find("experts") != std::string::npos)
      notes.push_back(fmt::format(
          "quantization_config: the pattern {} is kept; if it names experts by number, they have others now",
          text));
  };
  if (settings.is_string()) visit(settings.get<std::string>());
  if (settings.is_structured()) {
    for (const auto& item : settings.items()) {
      if (settings.is_object()) visit(item.key());
      note_patterns(item.value(), notes);
    }
  }
}

}  // namespace

std::vector<std::string> loading_notes(const Surgery& surgery, const nlohmann::json& config) {
  std::vector<std::string> notes;
  if (surgery.can().count_may_be_list) return notes;  // our own format, which holds all of it
  note_counts(surgery, notes);
  note_routing(surgery, config, notes);
  if (!surgery.zero_fills() && config.contains("quantization_config"))
    note_patterns(config["quantization_config"], notes);
  if (surgery.zero_fills())
    notes.emplace_back(
        "dropped experts stay as zeros and the count stays: nothing is saved on disk or in memory");
  for (const MoeLayerTensors& layer : surgery.topology.layers) {
    if (layer.kind != MoeLayerKind::kNextToken) continue;
    notes.push_back(
        surgery.drops(layer)
            ? fmt::format("the multi-token-prediction layer {} is left out", layer.layer)
            : fmt::format("the multi-token-prediction layer {} was not observed: its experts are kept "
                          "by their router rows' norm, or as the plan says",
                          layer.layer));
  }
  return notes;
}

}  // namespace espalier
