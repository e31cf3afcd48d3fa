#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

#include "prune/criteria/criterion.h"

namespace espalier {

// The options of pruning during fine-tuning (2206.00277, section 3). docs/methods/task_specific_pruning.md
// marks what the paper leaves open.

/// When experts are dropped.
enum class PruneSchedule {
  kNone,
  kEager,  ///< at the end of each window all under a threshold, and once all but the best
  kStaged  ///< at the end of each window the worst one, until one is left
};

/// When `kEager` drops all but the best expert.
enum class ForceDrop {
  kWindows,  ///< at the end of window max(1, floor(E/2)): half the run at gamma 1
  kHalf,     ///< after step floor(N/2), whatever gamma
  kNever     ///< threshold only, up to the run's end; not in the paper, for studies
};

/// "none", "eager", "staged".
std::string_view prune_schedule_name(PruneSchedule schedule);
/// "windows", "half", "never".
std::string_view force_drop_name(ForceDrop force_drop);

/// Throw UserError that names the nearest valid one.
PruneSchedule parse_prune_schedule(std::string_view name);
ForceDrop parse_force_drop(std::string_view name);

/// Decides every drop of a run, together with what is measured.
struct WindowRule {
  PruneSchedule schedule = PruneSchedule::kEager;
  /// What is measured of an expert in a window; never nullptr. The paper's is alpha (eq. 3, 4).
  const Criterion* criterion = &find_criterion("alpha");
  /// Model that a criterion compares with, which has the same experts; absent: the model as the run starts.
  std::optional<std::filesystem::path> reference{};
  /// An expert goes under beta / Z, Z survivors (eq. 5); >= 0, and 0 leaves all to the force drop. The paper
  /// prints no value.
  double beta = 0.1;
  double gamma = 1.0;  ///< a window is gamma N / E steps (fig. 4: 0.2 to 1.0); 0.01 to 100
  ForceDrop force_drop = ForceDrop::kWindows;  ///< of `kEager` only
  std::int64_t steps = 0;                      ///< N, optimizer steps of the whole run
  std::int64_t experts = 0;                    ///< E at the run's start; the largest where layers differ
};

/// Throws UserError for a number out of range, for a force drop other than the default with a schedule that
/// has none, for a reference of a criterion that compares nothing, and for a threshold of scores that can be
/// negative.
void validate(const WindowRule& rule);

}  // namespace espalier
