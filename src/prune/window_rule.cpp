#include "prune/window_rule.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cmath>
#include <utility>
#include <vector>

#include "artifacts/layer_entry.h"
#include "base/error.h"
#include "base/nearest.h"

namespace espalier {
namespace {

template <typename Value, std::size_t kSize>
using NameTable = std::array<std::pair<Value, std::string_view>, kSize>;

constexpr NameTable<PruneSchedule, 3> kSchedules{
    {{PruneSchedule::kNone, "none"}, {PruneSchedule::kEager, "eager"}, {PruneSchedule::kStaged, "staged"}}};
constexpr NameTable<ForceDrop, 3> kForceDrops{
    {{ForceDrop::kWindows, "windows"}, {ForceDrop::kHalf, "half"}, {ForceDrop::kNever, "never"}}};

// Far above any run; below them the windows' ends are exact in 128 bits.
constexpr std::int64_t kMostSteps = 1'000'000'000'000;
constexpr double kLeastGamma = 0.01, kMostGamma = 100;

template <typename Value, std::size_t kSize>
std::string_view name_in(const NameTable<Value, kSize>& table, Value value) {
  for (const auto& [known, name] : table) {
    if (known == value) return name;
  }
  throw InternalError(fmt::format("option value {} has no name", static_cast<int>(value)));
}

template <typename Value, std::size_t kSize>
Value value_in(const NameTable<Value, kSize>& table, std::string_view what, std::string_view found) {
  std::vector<std::string_view> names;
  for (const auto& [value, name] : table) {
    if (name == found) return value;
    names.push_back(name);
  }
  throw UserError(fmt::format("{}: found \"{}\", expected one of {}", what, found, fmt::join(names, ", ")),
                  suggestion(found, names));
}

void expect_range(std::string_view what, std::int64_t found, std::int64_t most) {
  if (found >= 1 && found <= most) return;
  throw UserError(fmt::format("pruning: {} {}, expected 1 to {}", found, what, most), "correct that number");
}

}  // namespace

std::string_view prune_schedule_name(PruneSchedule schedule) {
  return name_in(kSchedules, schedule);
}
std::string_view force_drop_name(ForceDrop force_drop) {
  return name_in(kForceDrops, force_drop);
}

PruneSchedule parse_prune_schedule(std::string_view name) {
  return value_in(kSchedules, "pruning schedule", name);
}
ForceDrop parse_force_drop(std::string_view name) {
  return value_in(kForceDrops, "force drop", name);
}

void validate(const WindowRule& rule) {
  expect_range("steps", rule.steps, kMostSteps);
  expect_range("experts", rule.experts, kMostExperts);
  if (!(rule.beta >= 0) || !std::isfinite(rule.beta)) {
    throw UserError(fmt::format("pruning: beta is {}, expected a number of at least 0", rule.beta),
                    "0.1 drops experts that are used ten times less than on average");
  }
  if (!(rule.gamma >= kLeastGamma && rule.gamma <= kMostGamma)) {
    throw UserError(
        fmt::format("pruning: gamma is {}, expected {} to {}", rule.gamma, kLeastGamma, kMostGamma),
        "1 divides the run into as many windows as there are experts");
  }
  if (rule.schedule != PruneSchedule::kEager && rule.force_drop != ForceDrop::kWindows) {
    throw UserError(fmt::format("pruning: the force drop \"{}\" does not apply to the schedule \"{}\"",
                                force_drop_name(rule.force_drop), prune_schedule_name(rule.schedule)),
                    "only the schedule eager has a force drop");
  }
  if (rule.reference && !rule.criterion->compares) {
    throw UserError(fmt::format("pruning: the criterion {} looks at one model, the reference {} is a second",
                                rule.criterion->name, rule.reference->string()),
                    "router_norm_change and neuron_change compare two");
  }
  if (rule.schedule == PruneSchedule::kEager && rule.beta > 0 &&
      rule.criterion->scale == ScoreScale::kSigned) {
    throw UserError(
        fmt::format("pruning: scores by {} can be negative, so they are no shares that eager could "
                    "compare with {} / survivors",
                    rule.criterion->name, rule.beta),
        "the schedule staged ranks them; beta 0 leaves all to eager's force drop");
  }
}

}  // namespace espalier
