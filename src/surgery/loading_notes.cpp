#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <set>

#include "arch/tensor_names.h"
#include "base/json.h"
#include "surgery/carried_files.h"
#include "surgery/config_after.h"
#include "surgery/surgery.h"

namespace espalier {
namespace {

constexpr std::size_t kMostPatterns = 8;   // of a file that are named
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

/// Whether a string of a quantisation's settings may name experts by their numbers in a form that is not
/// renumbered: a regular expression (compressed-tensors "re:..", GPTQModel "+:..", AutoRound), a glob (Model
/// Optimizer), a part of a name.
bool is_pattern_of_experts(std::string_view text, const arch::TensorNames& names) {
  constexpr std::string_view kExperts = "experts";
  const auto experts = text.find(kExperts);
  if (experts == std::string_view::npos || expert_in_pattern(text)) return false;
  if (text.starts_with("re:")) return true;
  const auto parsed = names.parse(text);
  if (parsed && parsed->part == arch::MoePart::kExpert) return false;  // a name, which is renumbered
  const auto after = text.substr(experts + kExperts.size());
  const auto word = std::find_if(after.begin(), after.end(), [](unsigned char c) { return std::isalnum(c); });
  return word != after.end() && std::isdigit(static_cast<unsigned char>(*word));
}

void find_patterns(const nlohmann::json& settings, const arch::TensorNames& names,
                   std::vector<std::string>& patterns) {
  const auto visit = [&](const std::string& text) {
    if (is_pattern_of_experts(text, names)) patterns.push_back(text);
  };
  if (settings.is_string()) visit(settings.get<std::string>());
  if (!settings.is_structured()) return;
  for (const auto& item : settings.items()) {
    if (settings.is_object()) visit(item.key());
    find_patterns(item.value(), names, patterns);
  }
}

/// Patterns are kept: what they match cannot be told without the program that reads them.
void note_patterns(const nlohmann::json& settings, std::string_view where, const Surgery& surgery,
                   std::vector<std::string>& notes) {
  std::vector<std::string> patterns;
  find_patterns(settings, arch::names_of(surgery.topology.model_type), patterns);
  for (std::size_t i = 0; i < std::min(patterns.size(), kMostPatterns); ++i)
    notes.push_back(
        fmt::format("{}: the pattern {} is kept; if it names experts by number, they have others now", where,
                    patterns[i]));
  if (patterns.size() > kMostPatterns)
    notes.push_back(fmt::format("{}: so are {} more patterns", where, patterns.size() - kMostPatterns));
}

/// In config.json, and in the files that quantisers write beside it.
void note_quantization(const Surgery& surgery, const Checkpoint& checkpoint,
                       std::vector<std::string>& notes) {
  const auto found = checkpoint.config().find("quantization_config");
  if (found != checkpoint.config().end()) note_patterns(*found, "quantization_config", surgery, notes);
  for (const auto& file : carried_files(checkpoint.folder()).files)
    if (is_quantization_settings(file))
      note_patterns(read_json(checkpoint.folder() / file), file.string(), surgery, notes);
}

}  // namespace

std::vector<std::string> loading_notes(const Surgery& surgery, const Checkpoint& checkpoint) {
  std::vector<std::string> notes;
  if (surgery.can().count_may_be_list) return notes;  // our own format, which holds all of it
  note_counts(surgery, notes);
  note_routing(surgery, checkpoint.config(), notes);
  if (!surgery.zero_fills()) note_quantization(surgery, checkpoint, notes);
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
