#include "observe/token_observer.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace espalier {
namespace {

/// An id must have gone to an expert so often to be shown as its own.
constexpr std::int32_t kFewestForExample = 2;

}  // namespace

FrequentTokens::FrequentTokens(std::span<const std::int32_t> ids, std::size_t most) {
  std::map<std::int32_t, double> times;
  for (const std::int32_t id : ids) times[id] += 1;
  std::vector<std::pair<double, std::int32_t>> ranked;
  for (const auto& [id, count] : times) ranked.emplace_back(-count, id);
  std::sort(ranked.begin(), ranked.end());
  ranked.resize(std::min(most, ranked.size()));
  for (const auto& [count, id] : ranked) ids_.push_back(id);
  std::sort(ids_.begin(), ids_.end());
  for (const std::int32_t id : ids_) {
    slots_[id] = static_cast<std::int32_t>(times_.size());
    times_.push_back(times[id]);
  }
}

std::int32_t FrequentTokens::slot_of(std::int32_t id) const {
  const auto found = slots_.find(id);
  return found == slots_.end() ? -1 : found->second;
}

TokenObserver::TokenObserver(int layer, std::int64_t experts, const FrequentTokens& frequent,
                             const infer::PackedTokens& tokens)
    : layer_(layer),
      experts_(static_cast<std::size_t>(experts)),
      frequent_(frequent),
      tokens_(tokens),
      cells_(frequent.count() * experts_) {}

void TokenObserver::routed(const infer::RoutingView& routing) {
  const auto* chosen = routing.chosen;
  const auto* gates = routing.gates;
  const auto K = routing.slots;
  for (std::int64_t n = 0; n < routing.tokens; ++n, ++next_, chosen += K, gates += K) {
    const std::int32_t slot = frequent_.slot_of(tokens_.ids[next_]);
    for (std::int64_t k = 0; k < K; ++k) {
      if (slot < 0) continue;
      Cell& cell = cells_[static_cast<std::size_t>(slot) * experts_ + static_cast<std::size_t>(chosen[k])];
      ++cell.count;
      if (cell.place >= 0 && gates[k] <= cell.gate) continue;
      cell.place = static_cast<std::int32_t>(next_);
      cell.gate = gates[k];
    }
  }
}

/// Ids that go to the expert most beyond its share: count / (times of the id), larger first; ties to the more
/// frequent, then the smaller id.
std::vector<std::size_t> TokenObserver::by_lift(std::size_t expert, std::size_t most) const {
  std::vector<std::size_t> slots;
  for (std::size_t slot = 0; slot < frequent_.count(); ++slot)
    if (cells_[slot * experts_ + expert].count >= kFewestForExample) slots.push_back(slot);
  const auto key = [&](std::size_t slot) {
    const double count = cells_[slot * experts_ + expert].count;
    return std::tuple(-count / frequent_.times(slot), -count, slot);
  };
  const std::size_t kept = std::min(most, slots.size());
  std::partial_sort(slots.begin(), slots.begin() + static_cast<std::ptrdiff_t>(kept), slots.end(),
                    [&](std::size_t a, std::size_t b) { return key(a) < key(b); });
  slots.resize(kept);
  return slots;
}

TokenExample TokenObserver::example(std::size_t slot, std::size_t expert) const {
  const Cell& cell = cells_[slot * experts_ + expert];
  const auto& offsets = tokens_.layout.offsets;
  const auto after = std::upper_bound(offsets.begin(), offsets.end(), static_cast<std::int64_t>(cell.place));
  const std::int64_t sequence = after - offsets.begin() - 1;
  TokenExample example;
  example.layer = layer_;
  example.expert = static_cast<int>(expert);
  example.token = frequent_.id(slot);
  example.sequence = sequence;
  example.position = cell.place - tokens_.layout.begin(sequence);
  example.gate = static_cast<double>(cell.gate);
  return example;
}

void TokenObserver::report(std::size_t examples, Observations& observations) const {
  for (std::size_t expert = 0; expert < experts_; ++expert) {
    for (std::size_t slot = 0; slot < frequent_.count(); ++slot)
      if (const auto count = cells_[slot * experts_ + expert].count; count > 0)
        observations.token_use.push_back(frequent_.id(slot), layer_, static_cast<int>(expert), count);
    for (const std::size_t slot : by_lift(expert, examples))
      observations.examples.push_back(example(slot, expert));
  }
}

}  // namespace espalier
