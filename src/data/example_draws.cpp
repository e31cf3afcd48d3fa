#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "data/epoch_order.h"
#include "data/task_split.h"

namespace espalier {
namespace {

// Every run draws the same: what a task's rows are is no matter of its seed.
constexpr std::uint64_t kKeptSeed = 0x6b657074;     // "kept"
constexpr std::uint64_t kHeldOutSeed = 0x68656c64;  // "held"

/// Moves `count` examples drawn by `seed` out of `examples`; those that stay and those that go keep their
/// order.
std::vector<Example> draw(std::vector<Example>& examples, std::size_t count, std::uint64_t seed) {
  auto order = epoch_order(seed, 0, examples.size());
  std::vector<bool> drawn(examples.size());
  for (std::size_t i = 0; i < count; ++i) drawn[order[i]] = true;
  std::vector<Example> taken, left;
  for (std::size_t i = 0; i < examples.size(); ++i)
    (drawn[i] ? taken : left).push_back(std::move(examples[i]));
  examples = std::move(left);
  return taken;
}

}  // namespace

void keep_examples(TaskSplit& split, std::size_t count) {
  if (count < split.examples.size()) split.examples = draw(split.examples, count, kKeptSeed);
}

TaskSplit hold_out(TaskSplit& split, double share) {
  const auto all = split.examples.size();
  const auto count = static_cast<std::size_t>(std::llround(share * static_cast<double>(all)));
  if (count == 0 || count >= all)
    throw UserError(fmt::format("--hold-out {}: {} of {} examples", share, count, all),
                    "0.1 holds out every tenth example, and trains on the others");
  TaskSplit held{split.task, "held_out", split.file, split.labelled, {}, 0};
  held.examples = draw(split.examples, count, kHeldOutSeed);
  return held;
}

}  // namespace espalier
