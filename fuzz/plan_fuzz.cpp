#include "artifacts/plan.h"

#include <cstdlib>

#include "base/error.h"

namespace {

/// What every reader of a plan relies on.
bool can_be_applied(const espalier::LayerPlan& layer) {
  if (layer.keep.empty()) return false;
  for (const int expert : layer.keep) {
    if (expert < 0 || expert >= layer.num_experts_before) return false;
  }
  for (const espalier::ExpertMerge& merge : layer.merge) {
    if (merge.from.empty() || merge.from.size() != merge.weights.size()) return false;
  }
  return espalier::surviving_originals(layer).size() == layer.keep.size();
}

}  // namespace

// Whatever the bytes: a UserError, or a plan that is valid and is the same after writing and reading it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace espalier;
  try {
    const Plan plan = plan_from_json({reinterpret_cast<const char*>(data), size}, "fuzz");
    for (const LayerPlan& layer : plan.layers) {
      if (!can_be_applied(layer)) std::abort();
    }
    try {
      const std::string written = plan_to_json(plan);
      if (plan_to_json(plan_from_json(written, "again")) != written) std::abort();
    } catch (const UserError&) {
      std::abort();  // what was read must be readable again
    }
  } catch (const UserError& error) {
    if (!std::string_view(error.what()).starts_with("fuzz")) std::abort();
  }
  return 0;
}
