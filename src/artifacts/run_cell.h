#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "artifacts/eval_result.h"
#include "artifacts/run_folder.h"

namespace espalier {

/// What a window measured of a MoE layer's experts, and who stayed. Experts bear their numbers at the start.
struct CellLayer {
  int layer = 0;                     ///< 0-based block
  std::vector<int> experts;          ///< [Z] alive in the window
  std::vector<double> scores;        ///< [Z] NaN = never routed, written as null
  std::vector<std::int64_t> tokens;  ///< [Z] routed to each; empty: not counted
  std::vector<int> kept;             ///< after the window
};

struct CellWindow {
  std::int64_t last_step = 0;
  std::vector<CellLayer> layers;
};

/// `espalier.cell/1`: all that tables and figures need of a finished run of a grid, in a file small enough to
/// be kept where its folder is not.
struct RunCell {
  std::string task, setting;
  std::uint64_t seed = 0;
  std::map<std::string, std::string> options;  ///< of the verb, as words; without folders and threads
  std::optional<std::string> weights_sha256;   ///< of the model it started from
  EvalResult eval;
  std::int64_t steps = 0, tokens = 0;  ///< trained on
  std::optional<std::uint64_t> parameters;
  double train_seconds = 0.0;
  std::uint64_t peak_rss_bytes = 0;
  std::string cpu, version, started_at;  ///< of the machine; of espalier; UTC
  std::vector<CellWindow> windows;       ///< of a run that prunes
};

/// The numbers of a run folder; names, seed and options are the caller's. Throws UserError where it has no
/// eval.json.
RunCell read_run_cell(const std::filesystem::path& run_folder);

std::string cell_to_json(const RunCell& cell);
/// Strict: unknown keys and wrong values are a UserError that begins with `where`.
RunCell cell_from_json(std::string_view json, std::string_view where);

/// Atomic; makes the folders above.
void write_cell(const std::filesystem::path& file, const RunCell& cell);
RunCell read_cell(const std::filesystem::path& file);

}  // namespace espalier
