#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "artifacts/metrics.h"
#include "artifacts/plan.h"

namespace espalier {

/// One quantity over the logged steps; NaN where a line has none.
struct Curve {
  std::string name;  ///< "loss", "effective_experts_3": the key in the page's data
  std::vector<double> values;
};

/// The loss without the balance loss, where a line has it: of masked words, of the task, else the whole.
double target_loss(const MetricsLine& line);

/// Every quantity that the log has, one value per line: step, tokens, seconds, then what is charted.
std::vector<Curve> curves_of(const std::vector<MetricsLine>& lines);

/// Mean over a window of 2 * radius + 1 values around each (fewer at the ends), leaving out NaN.
std::vector<double> moving_mean(const std::vector<double>& values, std::size_t radius);

/// The radius at which a long, noisy curve is drawn smooth: 0 for a short one.
std::size_t smoothing_radius(std::size_t values);

/// Rows to draw, growing: all where there are few, else the rows with the least and the greatest value of
/// each curve in each of `buckets` equal parts, and the first and last row. Peaks survive.
std::vector<std::size_t> rows_to_draw(const std::vector<Curve>& curves, std::size_t buckets);

/// exp(entropy) of the shares: E when the tokens are spread evenly, 1 when one expert takes all.
double effective_experts(const std::vector<double>& shares);

/// Expert load of one MoE layer, averaged over at most `bins` stretches of the run. Experts bear the numbers
/// they had at the start of the run, which the plans trace.
struct LoadMap {
  int layer = 0;
  std::size_t experts = 0;                  ///< E
  std::vector<std::size_t> last_rows;       ///< [bins] the log line at which a stretch ends
  std::vector<std::vector<double>> shares;  ///< [bins][E]; NaN where an expert is gone
};
std::vector<LoadMap> load_maps(const std::vector<MetricsLine>& lines, std::size_t bins,
                               const std::vector<Plan>& plans = {});

}  // namespace espalier
