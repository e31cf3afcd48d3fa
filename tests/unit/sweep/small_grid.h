#pragma once

#include <algorithm>
#include <string_view>
#include <vector>

#include "artifacts/run_manifest.h"
#include "sweep/grid.h"

namespace espalier {

inline constexpr std::string_view kSmallGrid = R"(
tasks = ["rte", "wordnet"]  # a comment
seeds = [1, 2]
data = "glue"
reference = "moe"

[options]
learning-rate = 5e-4
regression = true

[settings.moe]
model = "models/moe"
moe-layers = [1, 3]

[settings.dense]
model = "models/dense"
regression = false

[task-options.rte]
epochs = 5

[task-options.wordnet]
seeds = [
  7,
]
epochs = 0.5
)";

/// With a handful of the options that `finetune` has.
inline Grid parse_small_grid(std::string_view toml) {
  static const std::vector<GridOption> known{
      {"model"},         {"data", GridValue::kList},       {"epochs"}, {"batch"},
      {"learning-rate"}, {"moe-layers", GridValue::kList}, {"prune"},  {"regression", GridValue::kFlag},
      {"out"},           {"resume", GridValue::kFlag}};
  return parse_grid(toml, "grid.toml", known);
}

}  // namespace espalier
