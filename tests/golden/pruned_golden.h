#pragma once

#include <algorithm>
#include <filesystem>
#include <vector>

#include "arch/described_model.h"
#include "artifacts/plan.h"
#include "base/json.h"
#include "paths.h"
#include "surgery/apply.h"

namespace espalier {

/// The folders of tests/golden/quant.
inline std::vector<std::filesystem::path> quantised_goldens() {
  std::vector<std::filesystem::path> folders;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::filesystem::path(source_dir()) / "tests/golden/quant"))
    folders.push_back(entry.path());
  std::sort(folders.begin(), folders.end());
  return folders;
}

/// Whether its family has a table.
inline bool is_known(const std::filesystem::path& golden) {
  const auto type = read_json(golden / "config.json").at("model_type").get<std::string>();
  return std::ranges::any_of(arch::families(),
                             [&](const arch::Family& family) { return family.model_type == type; });
}

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
