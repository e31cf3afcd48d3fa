#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "base/nearest.h"
#include "prune/reconstruction.h"

namespace espalier {
namespace {

using Kept = std::vector<bool>;
constexpr std::size_t kBeamWidth = 8;

std::vector<int> numbers_of(const Kept& kept) {
  std::vector<int> numbers;
  for (std::size_t e = 0; e < kept.size(); ++e) {
    if (kept[e]) numbers.push_back(static_cast<int>(e));
  }
  return numbers;
}

double subsets_of(const SubsetRule& rule) {
  const std::size_t E = rule.may_go.size(), size = E / static_cast<std::size_t>(rule.groups);
  double subsets = 1;
  for (std::size_t begin = 0; begin < E; begin += size) {
    const auto free = static_cast<double>(
        std::count(rule.may_go.begin() + static_cast<std::ptrdiff_t>(begin),
                   rule.may_go.begin() + static_cast<std::ptrdiff_t>(begin + size), true));
    const double go = static_cast<double>(size) - rule.kept;
    subsets *= std::round(std::exp(std::lgamma(free + 1) - std::lgamma(go + 1) - std::lgamma(free - go + 1)));
  }
  return subsets;
}

/// Every subset, in lexical order of the experts that stay.
class AllSubsets {
 public:
  AllSubsets(const ReconstructionError& error, const SubsetRule& rule)
      : error_(error),
        rule_(rule),
        size_(rule.may_go.size() / static_cast<std::size_t>(rule.groups)),
        kept_(rule.may_go.size(), false) {}

  FoundSubset find() {
    try_from(0, 0);
    return best_;
  }

 private:
  /// `kept`: of the group that `expert` is in, so far.
  void try_from(std::size_t expert, int kept) {
    if (expert == kept_.size()) {
      const double error = error_.of(kept_);
      if (best_.tried++ == 0 || error < best_.error) {
        best_.error = error;
        best_.keep = numbers_of(kept_);
      }
      return;
    }
    const bool last = (expert + 1) % size_ == 0;
    const auto after = static_cast<int>(size_ - expert % size_ - 1);
    const auto next = [&](int now) {
      if (now > rule_.kept || now + after < rule_.kept) return;
      try_from(expert + 1, last ? 0 : now);
    };
    kept_[expert] = true;
    next(kept + 1);
    kept_[expert] = false;
    if (rule_.may_go[expert]) next(kept);
  }

  const ReconstructionError& error_;
  const SubsetRule& rule_;
  std::size_t size_;
  Kept kept_;
  FoundSubset best_;
};

FoundSubset exhaustive(const ReconstructionError& error, const SubsetRule& rule) {
  const double subsets = subsets_of(rule);
  if (subsets > kMostSubsets)
    throw UserError(fmt::format("--search exhaustive: there are {:.0f} subsets, at most {:.0f} are looked at",
                                subsets, kMostSubsets),
                    "pass --search beam or --search greedy");
  return AllSubsets(error, rule).find();
}

/// Experts go one by one; after each step the `width` sets with the smallest errors stay.
FoundSubset eliminate(const ReconstructionError& error, const SubsetRule& rule, std::size_t width) {
  const std::size_t E = rule.may_go.size(), size = E / static_cast<std::size_t>(rule.groups);
  const std::size_t steps = E - static_cast<std::size_t>(rule.groups * rule.kept);
  std::vector<std::pair<double, Kept>> beam{{0.0, Kept(E, true)}};
  FoundSubset found;
  for (std::size_t step = 0; step < steps; ++step) {
    std::set<std::pair<double, std::vector<int>>> next;  // by error, then by the experts that stay
    for (const auto& [unused, kept] : beam) {
      const std::vector<double> errors = error.without_each(kept);
      for (std::size_t e = 0; e < E; ++e) {
        const auto group = kept.begin() + static_cast<std::ptrdiff_t>(e / size * size);
        if (!kept[e] || !rule.may_go[e] ||
            std::count(group, group + static_cast<std::ptrdiff_t>(size), true) == rule.kept)
          continue;
        Kept less = kept;
        less[e] = false;
        next.emplace(errors[e], numbers_of(less));
        ++found.tried;
        if (next.size() > width) next.erase(std::prev(next.end()));
      }
    }
    beam.clear();
    for (const auto& [value, keep] : next) {
      Kept kept(E, false);
      for (const int expert : keep) kept[static_cast<std::size_t>(expert)] = true;
      beam.emplace_back(value, std::move(kept));
    }
  }
  found.error = error.of(beam.front().second);
  found.keep = numbers_of(beam.front().second);
  return found;
}

FoundSubset greedy(const ReconstructionError& error, const SubsetRule& rule) {
  return eliminate(error, rule, 1);
}
FoundSubset beam(const ReconstructionError& error, const SubsetRule& rule) {
  return eliminate(error, rule, kBeamWidth);
}
FoundSubset automatic(const ReconstructionError& error, const SubsetRule& rule) {
  return subsets_of(rule) <= kMostSubsets ? exhaustive(error, rule) : beam(error, rule);
}

constexpr SubsetSearch kSearches[] = {
    {"automatic", "exhaustive up to 20000 subsets, else beam", automatic},
    {"exhaustive", "every subset", exhaustive},
    {"greedy", "experts go one by one, each the one that is missed least", greedy},
    {"beam", "the same with the 8 best sets after each step", beam},
};

}  // namespace

std::span<const SubsetSearch> subset_searches() {
  return kSearches;
}

const SubsetSearch& find_subset_search(std::string_view name) {
  return find_named(subset_searches(), "--search", name);
}

}  // namespace espalier
