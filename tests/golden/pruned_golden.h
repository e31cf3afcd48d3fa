#pragma once

#include <filesystem>

#include "arch/described_model.h"
#include "artifacts/plan.h"
#include "base/json.h"
#include "surgery/apply.h"

namespace espalier {

/// The plan that a golden's pruned.json stands for: `{"keep": [[0, 3, ..], null, ..]}`.
inline Plan pruned_golden_plan(const std::filesystem::path& golden) {
  const Checkpoint checkpoint = Checkpoint::open(golden);
  const Topology topology = arch::describe(checkpoint).topology;
  const auto keep = read_json(golden / "pruned.json").at("keep");
  Plan plan;
  plan.provenance = {"keep_list", "one_shot", 0, topology.sha256, {}, {}};
  plan.experts_per_token = static_cast<int>(topology.experts_per_token);
  for (const MoeLayerTensors& layer : topology.layers) {
    plan.layers.push_back({static_cast<int>(layer.layer),
                           static_cast<int>(layer.num_experts),
                           keep.at(static_cast<std::size_t>(layer.layer)).get<std::vector<int>>(),
                           {},
                           {},
                           {}});
  }
  return plan;
}

/// Writes the checkpoint that the golden's pruned_logits.safetensors are of into `work`/pruned; its folder.
inline std::filesystem::path prune_golden(const std::filesystem::path& golden,
                                          const std::filesystem::path& work) {
  write_plan(work / "plan.json", pruned_golden_plan(golden));
  ApplyOptions options;
  options.model = golden;
  options.plan = work / "plan.json";
  options.out = work / "pruned";
  apply_to_files(
      options, [](const Progress&) {}, [](std::string_view) {});
  return options.out;
}

}  // namespace espalier
