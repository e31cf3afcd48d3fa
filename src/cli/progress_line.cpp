#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/terminal.h"

namespace espalier {
namespace {

std::string bar_text(double fraction, int width) {
  const int filled = static_cast<int>(fraction * width);
  std::string bar = "[" + std::string(static_cast<std::size_t>(filled), '=');
  if (filled < width) bar += '>' + std::string(static_cast<std::size_t>(width - filled - 1), ' ');
  return bar + "]";
}

/// Bytes and tokens go by in millions, steps by the second, runs by the hour.
std::string rate_text(double per_second, std::string_view unit) {
  if (per_second >= 1e6) return fmt::format("{:.1f} M {}/s", per_second / 1e6, unit);
  if (per_second >= 100) return fmt::format("{} {}/s", grouped_text(std::llround(per_second)), unit);
  if (per_second >= 0.05) return fmt::format("{:.2f} {}/s", per_second, unit);
  return fmt::format("{:.1f} {}/h", per_second * 3600, unit);
}

}  // namespace

std::string progress_line(const Progress& progress, double seconds, std::uint64_t done_before, int columns) {
  constexpr int kBarWidth = 20;
  constexpr double kEnoughSeconds = 0.5;  // earlier, a rate says more about the start than about the work
  std::string line(progress.what);
  if (progress.total > 0) {
    const double fraction =
        std::min(1.0, static_cast<double>(progress.done) / static_cast<double>(progress.total));
    line += fmt::format("  {:3.0f}% {} {}/{} {}", std::floor(fraction * 100), bar_text(fraction, kBarWidth),
                        grouped_text(progress.done), grouped_text(progress.total), progress.unit);
  } else {
    line += fmt::format("  {} {}", grouped_text(progress.done), progress.unit);
  }
  if (seconds >= kEnoughSeconds && progress.done > done_before) {
    const double per_second = static_cast<double>(progress.done - done_before) / seconds;
    line += "  " + rate_text(per_second, progress.unit);
    if (progress.total > progress.done) {
      line +=
          "  " + duration_text(static_cast<double>(progress.total - progress.done) / per_second) + " left";
    }
  }
  if (!progress.detail.empty()) line += fmt::format("  {}", progress.detail);
  return line.substr(0, static_cast<std::size_t>(std::max(columns, 0)));
}

}  // namespace espalier
