#include "sweep/grid.h"

#include <cstdlib>

#include "base/error.h"
#include "sweep/grid_runs.h"

// Whatever the bytes: a UserError, or a grid whose every run has a model, a seed and a folder of its own.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace espalier;
  static const std::vector<GridOption> known{{"model", GridValue::kOne},
                                             {"data", GridValue::kList},
                                             {"epochs", GridValue::kOne},
                                             {"regression", GridValue::kFlag}};
  try {
    const auto grid = parse_grid({reinterpret_cast<const char*>(data), size}, "fuzz", known);
    if (grid.tasks.empty() || grid.settings.empty() || grid.reference.empty()) std::abort();
    for (const auto& task : grid.tasks)
      if (task.seeds.size() > 1000) return 0;
    for (const auto& run : runs_of(grid, "out"))
      if (run.arguments.size() < 4 || run.folder.string().find("out/") != 0) std::abort();
  } catch (const UserError& error) {
    if (!std::string_view(error.what()).starts_with("fuzz")) std::abort();
  }
  return 0;
}
