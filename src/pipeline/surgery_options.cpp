#include "pipeline/surgery_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <nlohmann/json.hpp>

#include "report/quantities.h"

namespace espalier::pipeline {
namespace {

/// "3 layers: 8 -> 4 experts", for each kind of layer there is.
std::string layers_text(const espalier::ApplySummary& summary) {
  std::map<std::pair<std::int64_t, std::int64_t>, std::int64_t> layers_of;
  for (std::size_t i = 0; i < summary.layers.size(); ++i)
    ++layers_of[{summary.experts_before[i], summary.experts_after[i]}];
  std::vector<std::string> parts;
  for (const auto& [counts, layers] : layers_of) {
    parts.push_back(fmt::format("{} layer{} with {} -> {} experts", layers, layers == 1 ? "" : "s",
                                counts.first, counts.second));
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::string change_text(std::uint64_t before, std::uint64_t after) {
  const double less = before == 0 ? 0 : 100 * (1 - static_cast<double>(after) / static_cast<double>(before));
  return fmt::format("{} -> {} ({:.1f}% less)", grouped_text(before), grouped_text(after), less);
}

std::string change_text(std::int64_t before, std::int64_t after) {
  return change_text(static_cast<std::uint64_t>(before), static_cast<std::uint64_t>(after));
}

}  // namespace

void describe_surgery(options::OptionTable& table, SurgeryOptions& options) {
  table.flag("allow-unequal", options.unequal, UnequalCounts::kAsList,
             "layers may keep different numbers of experts: config.json gets a list, which stock programs do "
             "not read");
  table.flag("reset-groups", options.groups, RouterGroups::kReset,
             "one group of experts instead of several: any may stay, but tokens are routed otherwise");
  table.flag("zero-fill", options.zero_output, ZeroOutput::kZeroFill,
             "for plans with the router zero_output: dropped experts become zeros and the count stays");
  table.flag(
      "drop-mtp", options.next_token, NextTokenLayers::kDrop,
      "leave multi-token-prediction layers out (else their experts are kept by the norm of their router "
      "rows)");
}

std::string figures_text(const espalier::ApplySummary& summary) {
  std::string text = fmt::format("  experts              {}\n", layers_text(summary));
  text += fmt::format("  parameters           {}\n",
                      change_text(summary.parameters_before, summary.parameters_after));
  text += fmt::format("  parameters per token {}\n",
                      change_text(summary.parameters_per_token_before, summary.parameters_per_token_after));
  text += fmt::format("  bytes                {}, {} file{}\n",
                      change_text(summary.file_bytes_before, summary.file_bytes_after), summary.files.size(),
                      summary.files.size() == 1 ? "" : "s");
  for (const std::string& note : summary.notes) text += fmt::format("  note: {}\n", note);
  return text;
}

nlohmann::ordered_json figures_json(const espalier::ApplySummary& summary) {
  nlohmann::ordered_json files = nlohmann::ordered_json::array();
  for (const auto& [name, bytes] : summary.files) files.push_back({{"file", name}, {"bytes", bytes}});
  return {{"model_type", summary.model_type},
          {"layers", summary.layers},
          {"experts_before", summary.experts_before},
          {"experts", summary.experts_after},
          {"parameters_before", summary.parameters_before},
          {"parameters", summary.parameters_after},
          {"parameters_per_token_before", summary.parameters_per_token_before},
          {"parameters_per_token", summary.parameters_per_token_after},
          {"file_bytes_before", summary.file_bytes_before},
          {"file_bytes", summary.file_bytes_after},
          {"files", files},
          {"notes", summary.notes}};
}

}  // namespace espalier::pipeline
