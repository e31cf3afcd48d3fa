#include "sweep/markdown_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/quantities.h"

namespace espalier {
namespace {

std::size_t columns_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

std::string markdown_table(const std::vector<TableRow>& rows) {
  std::vector<std::size_t> widths(rows.front().size(), 3);
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns_of(row[i]));
  std::string text;
  const auto add_line = [&](const auto& cell) {
    for (std::size_t i = 0; i < widths.size(); ++i) text += (i == 0 ? "| " : " | ") + cell(i);
    text += " |\n";
  };
  for (const auto& row : rows) {
    add_line([&](std::size_t i) {
      const std::string blanks(widths[i] - columns_of(row[i]), ' ');
      return i == 0 ? row[i] + blanks : blanks + row[i];
    });
    if (&row == &rows.front())
      add_line([&](std::size_t i) {
        return i == 0 ? std::string(widths[i], '-') : std::string(widths[i] - 1, '-') + ":";
      });
  }
  return text + "\n";
}

std::string fixed_text(double value, int decimals) {
  if (!std::isfinite(value)) return kAbsent;
  auto text = fmt::format("{:.{}f}", value, decimals);
  const bool zero = text.find_first_not_of("-0.") == std::string::npos;
  return zero && text.front() == '-' ? text.substr(1) : text;
}

std::string difference_text(const Difference& difference, int decimals) {
  if (difference.n == 0) return kAbsent;
  // Seeds that make no difference give no interval.
  if (difference.half_width.value_or(0.0) == 0.0) return fixed_text(difference.mean, decimals);
  const auto text = fmt::format("{} [{}, {}]", fixed_text(difference.mean, decimals),
                                fixed_text(difference.mean - *difference.half_width, decimals),
                                fixed_text(difference.mean + *difference.half_width, decimals));
  return difference.excludes_zero() ? "**" + text + "**" : text;
}

std::string sample_text(const SeedScores& scores, std::size_t expected, int decimals) {
  const auto sample = sample_of(scores);
  if (sample.n == 0) return kAbsent;
  auto text = fixed_text(sample.mean, decimals);
  if (sample.deviation) text += " ± " + fixed_text(*sample.deviation, decimals);
  return sample.n == expected ? text : fmt::format("{} ({})", text, sample.n);
}

}  // namespace espalier
