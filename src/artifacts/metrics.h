#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

/// One logged step of a training run: one line of `metrics.jsonl`.
///
/// Losses are nats per target, means since the line before. Numbers that are not finite are written as
/// `null` and read back as NaN, or as absent where they may be absent.
struct MetricsLine {
  std::int64_t step = 0;               ///< optimizer steps done, counted from 1
  double loss = 0;                     ///< what is minimised: task loss and weighted balance loss
  std::optional<double> mlm_loss;      ///< cross entropy of the masked words
  std::optional<double> task_loss;     ///< of fine-tuning: cross entropy, or squared error
  std::optional<double> balance_loss;  ///< mean over the MoE layers, before its weight; 1 = even
  std::optional<double> valid_loss;    ///< on held-out text, where it was measured at this step
  double lr = 0;
  std::int64_t tokens = 0;          ///< real tokens (no padding) trained on since step 0
  double tokens_per_second = 0;     ///< since the line before
  std::optional<double> grad_norm;  ///< before clipping
  double seconds = 0;               ///< wall-clock time trained since step 0, over all resumes
  std::uint64_t rss_bytes = 0;      ///< resident memory now
  std::map<int, int> survivors;     ///< MoE layer (0-based block) -> experts left
  std::map<int, std::vector<int>> survivors_original;  ///< MoE layer -> their numbers at the run's start
  std::map<std::string, double> valid_metrics;         ///< of fine-tuning: "accuracy", where it was measured
  std::map<int, std::vector<double>> expert_load;      ///< MoE layer -> [E] shares of the tokens since the
                                                       ///< line before; they sum to 1
};

/// Appends whole lines to `metrics.jsonl`, each with one write(2), so that a killed run leaves at most one
/// torn line, and that one last.
class MetricsWriter {
 public:
  /// Without `resume_after_step` the file starts empty. With it, lines after that step and a torn last line
  /// are cut off first (a file that is absent starts empty). Throws UserError when it cannot be written.
  explicit MetricsWriter(const std::filesystem::path& file,
                         std::optional<std::int64_t> resume_after_step = std::nullopt);
  ~MetricsWriter();
  MetricsWriter(const MetricsWriter&) = delete;
  MetricsWriter& operator=(const MetricsWriter&) = delete;

  /// Throws UserError (disk full) and leaves no torn line; InternalError when the step does not grow.
  void append(const MetricsLine& line);

 private:
  std::filesystem::path file_;
  int descriptor_ = -1;
  std::optional<std::int64_t> last_step_;
};

/// All whole lines; a torn last line (no newline: the run was killed while writing) is left out. Throws
/// UserError naming file and line for anything else that is not a metrics line, or steps that do not grow.
std::vector<MetricsLine> read_metrics(const std::filesystem::path& file);

/// One line with its newline, and back. `where` names the line in errors.
std::string metrics_line_to_json(const MetricsLine& line);
MetricsLine metrics_line_from_json(std::string_view json, std::string_view where);

}  // namespace espalier
