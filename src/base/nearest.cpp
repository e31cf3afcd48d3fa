#include "base/nearest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "base/error.h"

namespace espalier {
namespace {

constexpr std::size_t kListedNames = 32;  // a longer list would hide the error it hangs from

std::size_t tolerated_distance(std::string_view a, std::string_view b) {
  return std::max<std::size_t>(2, std::max(a.size(), b.size()) / 3);
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitution = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, substitution});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    std::swap(before_last, last);
    std::swap(last, row);
  }
  return last[b.size()];
}

std::optional<std::string_view> nearest(std::string_view name, std::span<const std::string_view> names) {
  std::optional<std::string_view> best;
  std::size_t best_distance = 0;
  for (const std::string_view candidate : names) {
    const std::size_t length_gap =
        std::max(name.size(), candidate.size()) - std::min(name.size(), candidate.size());
    const std::size_t limit = tolerated_distance(name, candidate);
    if (length_gap > limit || (best && length_gap >= best_distance)) continue;
    const std::size_t distance = edit_distance(name, candidate);
    if (distance > limit || (best && distance >= best_distance)) continue;
    best = candidate;
    best_distance = distance;
  }
  return best;
}

std::string suggestion(std::string_view name, std::span<const std::string_view> names) {
  if (const auto close = nearest(name, names)) return fmt::format("did you mean {}?", *close);
  if (names.empty()) return "there is nothing of that kind to name";
  const auto listed = names.first(std::min(names.size(), kListedNames));
  return fmt::format("known: {}{}", fmt::join(listed, ", "), listed.size() < names.size() ? ", ..." : "");
}

void fail_unknown(std::string_view what, std::string_view name, std::span<const std::string_view> names) {
  throw UserError(fmt::format("{}: there is no \"{}\"", what, name), suggestion(name, names));
}

}  // namespace espalier
