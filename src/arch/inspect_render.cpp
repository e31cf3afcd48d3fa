#include <fmt/format.h>
#include <fmt/ranges.h>

#include "arch/inspect.h"
#include "artifacts/router_config_json.h"

namespace espalier {
namespace {

/// 1234567 -> "1,234,567"
std::string grouped(std::uint64_t number) {
  std::string text = fmt::to_string(number);
  for (std::size_t from_end = 3; from_end < text.size(); from_end += 4) {
    text.insert(text.size() - from_end, 1, ',');
  }
  return text;
}

std::string grouped(std::int64_t number) {
  return grouped(static_cast<std::uint64_t>(number));
}

/// {0, 1, 2, 5, 7} -> "0-2, 5, 7"
std::string ranges(const std::vector<std::int64_t>& ascending) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0, end = 0; begin < ascending.size(); begin = end) {
    for (end = begin + 1; end < ascending.size() && ascending[end] == ascending[end - 1] + 1;) ++end;
    if (end - begin > 2) {
      parts.push_back(fmt::format("{}-{}", ascending[begin], ascending[end - 1]));
    } else {
      for (std::size_t i = begin; i < end; ++i) parts.push_back(fmt::to_string(ascending[i]));
    }
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

/// What a router does besides taking the best K.
std::string groups_text(const Topology& topology) {
  if (topology.groups == 1) return {};
  return fmt::format(" from {} of {} groups", topology.top_groups, topology.groups);
}

/// Layers by their number of experts: "1, 3 with 8 experts each; 1 per token"
std::string moe_layers_text(const Topology& topology) {
  if (topology.layers.empty()) return "none";
  std::map<std::int64_t, std::vector<std::int64_t>> layers_of_count;
  for (const MoeLayerTensors& layer : topology.layers) {
    if (layer.kind == MoeLayerKind::kBlock) layers_of_count[layer.num_experts].push_back(layer.layer);
  }
  std::vector<std::string> parts;
  for (const auto& [experts, layers] : layers_of_count) {
    parts.push_back(fmt::format("{} with {} expert{}{}", ranges(layers), experts, experts == 1 ? "" : "s",
                                layers.size() == 1 ? "" : " each"));
  }
  return fmt::format("{}; {} per token{}", fmt::join(parts, "; "), topology.experts_per_token,
                     groups_text(topology));
}

std::string_view score_text(GateScore score) {
  switch (score) {
    case GateScore::kSoftmaxOfChosen:
      return "softmax of the chosen logits";
    case GateScore::kSigmoid:
      return "sigmoid of each logit";
    case GateScore::kSqrtSoftplus:
      return "square root of softplus of each logit";
    case GateScore::kSoftmax:
      break;
  }
  return "softmax of all logits";
}

/// "sigmoid of each logit, a bias for choosing, normalised, times 2.5; 1 shared expert, inner width 16"
std::string router_text(const RouterConfig& rule, const SharedExperts& shared) {
  std::string text(score_text(rule.score));
  if (rule.correction_bias) text += ", a bias for choosing";
  if (rule.normalise && rule.score != GateScore::kSoftmaxOfChosen) text += ", normalised";
  if (rule.scale != 1.0) text += fmt::format(", times {}", rule.scale);
  if (shared.count > 0)
    text += fmt::format("; {} shared expert{}, inner width {}", shared.count, shared.count == 1 ? "" : "s",
                        shared.width);
  return text;
}

std::string dtypes_text(const Inspection& inspection) {
  std::vector<std::string> parts;
  for (const auto& [dtype, parameters] : inspection.parameters_of_dtype) {
    parts.push_back(inspection.parameters_of_dtype.size() == 1
                        ? dtype
                        : fmt::format("{} {}", dtype, grouped(parameters)));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string pruning_line(const Inspection& inspection, const PruningEstimate& estimate) {
  const double percent =
      100.0 * static_cast<double>(estimate.saved_bytes) / static_cast<double>(inspection.file_bytes);
  const Topology& topology = inspection.topology;
  const bool below_top_k = estimate.kept / topology.groups * topology.top_groups < topology.experts_per_token;
  return fmt::format("  keeping {:<6} {} parameters, {} per token; saves {} bytes ({:.1f}%){}\n",
                     estimate.kept, grouped(estimate.parameters), grouped(estimate.parameters_per_token),
                     grouped(estimate.saved_bytes), percent,
                     below_top_k ? "; fewer than a token visits now" : "");
}

}  // namespace

std::string to_text(const Inspection& inspection) {
  const ModelSizes& sizes = inspection.sizes;
  std::string text = fmt::format("{}: {} ({})\n", inspection.folder, inspection.title, inspection.model_type);
  text += fmt::format("  sizes          {} blocks, width {}, {} heads, inner width {}, {}{} positions\n",
                      sizes.layers, sizes.width, sizes.heads, sizes.inner_width,
                      sizes.vocabulary == 0 ? "" : fmt::format("vocabulary {}, ", sizes.vocabulary),
                      sizes.positions);
  text += fmt::format("  MoE layers     {}\n", moe_layers_text(inspection.topology));
  if (inspection.router)
    text += fmt::format("  router         {}\n", router_text(*inspection.router, inspection.shared));
  if (!inspection.topology.next_token_blocks.empty()) {
    text += fmt::format("  next-token     layer {}, {} parameters; not run by the model itself\n",
                        ranges(inspection.topology.next_token_blocks),
                        grouped(inspection.topology.next_token_parameters));
  }
  text += fmt::format("  parameters     {} in all, {} per token\n", grouped(inspection.parameters),
                      grouped(inspection.parameters_per_token));
  text += fmt::format("  tensors        {}, {}\n", inspection.tensors, dtypes_text(inspection));
  text += fmt::format("  files          {}, {} bytes\n", inspection.files, grouped(inspection.file_bytes));
  for (const PruningEstimate& estimate : inspection.pruning) text += pruning_line(inspection, estimate);
  for (const std::string& note : inspection.notes) text += fmt::format("  note           {}\n", note);
  return text;
}

nlohmann::json to_json(const Inspection& inspection) {
  const ModelSizes& sizes = inspection.sizes;
  nlohmann::json layers = nlohmann::json::array();
  for (const MoeLayerTensors& layer : inspection.topology.layers) {
    layers.push_back({{"layer", layer.layer},
                      {"num_experts", layer.num_experts},
                      {"next_token", layer.kind == MoeLayerKind::kNextToken},
                      {"parameters_per_expert", layer.parameters_per_expert}});
  }
  nlohmann::json pruning = nlohmann::json::array();
  for (const PruningEstimate& estimate : inspection.pruning) {
    pruning.push_back({{"experts_per_layer", estimate.kept},
                       {"parameters", estimate.parameters},
                       {"parameters_per_token", estimate.parameters_per_token},
                       {"saved_bytes", estimate.saved_bytes}});
  }
  nlohmann::json json{{"format", "espalier.inspection/1"},
                      {"model", inspection.folder},
                      {"model_type", inspection.model_type},
                      {"title", inspection.title},
                      {"layers", sizes.layers},
                      {"width", sizes.width},
                      {"heads", sizes.heads},
                      {"inner_width", sizes.inner_width},
                      {"vocabulary", sizes.vocabulary},
                      {"positions", sizes.positions},
                      {"experts_per_token", inspection.topology.experts_per_token},
                      {"groups", inspection.topology.groups},
                      {"top_groups", inspection.topology.top_groups},
                      {"topology_sha256", inspection.topology.sha256},
                      {"moe_layers", layers},
                      {"parameters", inspection.parameters},
                      {"parameters_per_token", inspection.parameters_per_token},
                      {"parameters_of_dtype", inspection.parameters_of_dtype},
                      {"tensors", inspection.tensors},
                      {"files", inspection.files},
                      {"file_bytes", inspection.file_bytes},
                      {"pruning", pruning}};
  if (inspection.router) json["router"] = router_config_to_json(*inspection.router);
  if (inspection.shared.count > 0)
    json["shared_experts"] = {{"count", inspection.shared.count}, {"inner_width", inspection.shared.width}};
  if (!inspection.notes.empty()) json["notes"] = inspection.notes;
  return json;
}

}  // namespace espalier
