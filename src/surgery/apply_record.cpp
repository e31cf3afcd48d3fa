#include <fmt/format.h>

#include <array>

#include "base/json.h"
#include "surgery/result_files.h"

namespace espalier {
namespace {

using nlohmann::json;

json options_json(const SurgeryOptions& options) {
  return {{"allow_unequal", options.unequal == UnequalCounts::kAsList},
          {"reset_groups", options.groups == RouterGroups::kReset},
          {"zero_fill", options.zero_output == ZeroOutput::kZeroFill},
          {"drop_mtp", options.next_token == NextTokenLayers::kDrop}};
}

}  // namespace

std::string apply_record(const PreparedSurgery& prepared, const ApplyOptions& options) {
  const ApplySummary& summary = prepared.summary;
  json layers = json::array();
  for (std::size_t i = 0; i < prepared.surgery.layers.size(); ++i) {
    const MoeLayerTensors& layer = prepared.surgery.topology.layers[i];
    if (!prepared.surgery.drops(layer))
      layers.push_back({{"layer", layer.layer}, {"keep", prepared.surgery.layers[i].keep}});
  }
  return dump_json({{"format", "espalier.apply/1"},
                    {"version", ESPALIER_VERSION},
                    {"command", options.command},
                    {"model", options.model.string()},
                    {"topology_sha256", prepared.surgery.topology.sha256},
                    {"options", options_json(options.surgery)},
                    {"layers", layers},
                    {"parameters_before", summary.parameters_before},
                    {"parameters", summary.parameters_after},
                    {"parameters_per_token_before", summary.parameters_per_token_before},
                    {"parameters_per_token", summary.parameters_per_token_after},
                    {"file_bytes_before", summary.file_bytes_before},
                    {"file_bytes", summary.file_bytes_after},
                    {"notes", summary.notes}});
}

SurgeryOptions options_of_record(std::string_view text, std::string_view where) {
  JsonObject record(parse_json(text, where), std::string(where));
  record.expect_format("apply", 1);
  JsonObject object = record.object("options");
  SurgeryOptions options;
  if (object.boolean("allow_unequal")) options.unequal = UnequalCounts::kAsList;
  if (object.boolean("reset_groups")) options.groups = RouterGroups::kReset;
  if (object.boolean("zero_fill")) options.zero_output = ZeroOutput::kZeroFill;
  if (object.boolean("drop_mtp")) options.next_token = NextTokenLayers::kDrop;
  object.finish();
  return options;
}

}  // namespace espalier
