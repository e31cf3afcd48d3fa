#include "report/quantities.h"

#include <fmt/format.h>

#include <cmath>
#include <span>

namespace espalier {
namespace {

/// Three significant digits, so that 12.34 is "12.3" and 456.7 is "457".
std::string three_digits(double value) {
  const double size = std::fabs(value);
  if (size >= 99.95) return fmt::format("{:.0f}", value);
  return fmt::format("{:.{}f}", value, size >= 9.995 ? 1 : 2);
}

std::string scaled(double value, std::span<const char* const> units) {
  std::size_t unit = 0;
  while (std::fabs(value) >= 999.5 && unit + 1 < units.size()) {
    value /= 1000;
    ++unit;
  }
  const std::string digits = unit == 0 ? fmt::format("{:.0f}", value) : three_digits(value);
  return *units[unit] ? fmt::format("{} {}", digits, units[unit]) : digits;
}

}  // namespace

std::string human_number(double value) {
  return std::isfinite(value) ? fmt::format("{:.4g}", value) : kAbsent;
}

std::string human_count(double value) {
  static constexpr const char* kUnits[] = {"", "k", "M", "G", "T"};
  return std::isfinite(value) ? scaled(value, kUnits) : kAbsent;
}

std::string human_bytes(double bytes) {
  static constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  return std::isfinite(bytes) ? scaled(bytes, kUnits) : kAbsent;
}

std::string human_duration(double seconds) {
  if (!std::isfinite(seconds)) return kAbsent;
  if (seconds < 59.95) return fmt::format("{:.{}f} s", seconds, seconds < 1 ? 2 : 1);
  const auto whole = static_cast<long long>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

std::string human_percent(double share) {
  return std::isfinite(share) ? fmt::format("{:.1f}%", share * 100) : kAbsent;
}

std::string grouped_text(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
  return text;
}

std::string duration_text(double seconds) {
  const auto total = static_cast<std::uint64_t>(std::max(0.0, std::round(seconds)));
  if (total < 60) return fmt::format("{}s", total);
  if (total < 3600) return fmt::format("{}m{:02}s", total / 60, total % 60);
  return fmt::format("{}h{:02}m", total / 3600, total / 60 % 60);
}

}  // namespace espalier
