#pragma once

#include <cstdint>
#include <string_view>

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

/// What is measured of an expert in a window.
enum class Proficiency {
  kAlpha,   ///< mean gate value over the window's tokens (eq. 3, 4)
  kHitRate  ///< share of the (token, slot) pairs routed to it
};

/// "none", "eager", "staged".
std::string_view prune_schedule_name(PruneSchedule schedule);
/// "windows", "half", "never".
std::string_view force_drop_name(ForceDrop force_drop);
/// "alpha", "hit_rate".
std::string_view proficiency_name(Proficiency criterion);

/// Throw UserError that names the nearest valid one.
PruneSchedule parse_prune_schedule(std::string_view name);
ForceDrop parse_force_drop(std::string_view name);
Proficiency parse_proficiency(std::string_view name);

/// Decides every drop of a run, together with what is measured.
struct WindowRule {
  PruneSchedule schedule = PruneSchedule::kEager;
  Proficiency criterion = Proficiency::kAlpha;
  double beta =
      0.1;  ///< an expert goes under beta / Z, Z survivors (eq. 5); >= 0. The paper prints no value.
  double gamma = 1.0;  ///< a window is gamma N / E steps (fig. 4: 0.2 to 1.0); 0.01 to 100
  ForceDrop force_drop = ForceDrop::kWindows;  ///< of `kEager` only
  std::int64_t steps = 0;                      ///< N, optimizer steps of the whole run
  std::int64_t experts = 0;                    ///< E at the run's start; the largest where layers differ
};

/// Throws UserError for a number out of range, and for a force drop other than the default with a schedule
/// that has none.
void validate(const WindowRule& rule);

}  // namespace espalier
