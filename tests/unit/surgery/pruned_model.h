#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "arch/described_model.h"
#include "arch/inspect.h"
#include "artifacts/plan.h"
#include "surgery/apply.h"
#include "surgery/verify.h"
#include "temporary_folder.h"
#include "unit/arch/small_language_model.h"

namespace espalier::fixtures {

/// Keeps `keep` in each of `layers`, of `experts` experts.
inline Plan plan_keeping(const std::vector<int>& layers, const std::vector<int>& keep, int experts = 8,
                         int experts_per_token = 2) {
  Plan plan;
  plan.provenance = {"reap", "one_shot", 42, {}, {}, {}};
  plan.experts_per_token = experts_per_token;
  for (const int layer : layers) plan.layers.push_back({layer, experts, keep, {}, {}, {}});
  return plan;
}

/// The MoE layers of a checkpoint that a plan speaks of: no next-token layers.
inline std::vector<int> planned_layers(const Checkpoint& checkpoint) {
  std::vector<int> layers;
  for (const auto& layer : arch::describe(checkpoint).topology.layers)
    if (layer.kind == MoeLayerKind::kBlock) layers.push_back(static_cast<int>(layer.layer));
  return layers;
}

/// A folder with a model, a plan and the result of one.
class SurgeryFolder {
 public:
  std::filesystem::path model() const { return folder_ / "model"; }
  std::filesystem::path out() const { return folder_ / "out"; }
  std::filesystem::path plan_file() const { return folder_ / "plan.json"; }
  std::filesystem::path operator/(const std::string& name) const { return folder_ / name; }

  ApplyOptions options() const {
    ApplyOptions options;
    options.model = model();
    options.plan = plan_file();
    options.out = out();
    options.command = {"espalier", "apply"};
    return options;
  }
  ApplySummary apply(const Plan& plan, const ApplyOptions& options) const {
    write_plan(plan_file(), plan);
    return apply_to_files(
        options, [](const Progress&) {}, [](std::string_view) {});
  }
  ApplySummary apply(const Plan& plan, const SurgeryOptions& surgery = {}) const {
    ApplyOptions with = options();
    with.surgery = surgery;
    return apply(plan, with);
  }
  VerifySummary verify(const SurgeryOptions& surgery = {}) const {
    return verify_files(model(), out(), plan_file(), surgery, [](const Progress&) {});
  }

 private:
  TemporaryFolder folder_;
};

inline std::vector<std::byte> stored(const Checkpoint& checkpoint, const std::string& name) {
  const auto bytes = checkpoint.tensor(name).bytes;
  return {bytes.begin(), bytes.end()};
}

}  // namespace espalier::fixtures
