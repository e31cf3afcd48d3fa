#include "text/merge_table.h"

#include <algorithm>
#include <array>
#include <bit>
#include <queue>

namespace espalier {
namespace {

constexpr std::size_t kShortWord = 48;  // up to here looking through all pairs beats a heap

}  // namespace

MergeTable::MergeTable(std::size_t merges)
    : slots_(std::bit_ceil(2 * merges + 2)), mask_(slots_.size() - 1) {}

void MergeTable::add(std::int32_t left, std::int32_t right, Merge merge) {
  const std::uint64_t key = key_of(left, right);
  std::size_t i = hash(key) & mask_;
  while (slots_[i].key != kEmpty) {
    if (slots_[i].key == key) return;
    i = (i + 1) & mask_;
  }
  slots_[i] = {key, merge};
}

void MergeTable::join(std::vector<std::int32_t>& symbols) const {
  if (symbols.size() <= kShortWord) {
    join_short(symbols);
  } else {
    join_long(symbols);
  }
}

void MergeTable::join_short(std::vector<std::int32_t>& symbols) const {
  std::array<Merge, kShortWord> merges;  // [i]: of symbols i and i + 1
  std::size_t count = symbols.size();
  for (std::size_t i = 0; i + 1 < count; ++i) merges[i] = find(symbols[i], symbols[i + 1]);
  while (count > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < count; ++i) {
      if (merges[i].rank < merges[best].rank) best = i;
    }
    if (merges[best].rank == kNone) break;
    symbols[best] = merges[best].symbol;
    std::copy(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 2,
              symbols.begin() + static_cast<std::ptrdiff_t>(count),
              symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    if (best + 2 < count) std::copy(&merges[best + 2], &merges[count - 1], &merges[best + 1]);
    --count;
    if (best + 1 < count) merges[best] = find(symbols[best], symbols[best + 1]);
    if (best > 0) merges[best - 1] = find(symbols[best - 1], symbols[best]);
  }
  symbols.resize(count);
}

// A linked list of symbols and a heap of pairs; a pair whose symbols have changed since is passed over.
void MergeTable::join_long(std::vector<std::int32_t>& symbols) const {
  struct Node {
    std::int32_t symbol;
    std::int64_t previous, next;
  };
  struct Candidate {
    Merge merge;
    std::int64_t left;
    std::int32_t left_symbol, right_symbol;
    bool operator<(const Candidate& other) const {
      return merge.rank != other.merge.rank ? merge.rank > other.merge.rank : left > other.left;
    }
  };
  const auto size = static_cast<std::int64_t>(symbols.size());
  std::vector<Node> nodes;
  nodes.reserve(symbols.size());
  for (std::int64_t i = 0; i < size; ++i) {
    nodes.push_back({symbols[static_cast<std::size_t>(i)], i - 1, i + 1 < size ? i + 1 : -1});
  }
  const auto at = [&](std::int64_t i) -> Node& { return nodes[static_cast<std::size_t>(i)]; };
  std::priority_queue<Candidate> heap;
  const auto offer = [&](std::int64_t left) {
    if (left < 0 || at(left).next < 0) return;
    const std::int32_t a = at(left).symbol, b = at(at(left).next).symbol;
    const Merge merge = find(a, b);
    if (merge.rank != kNone) heap.push({merge, left, a, b});
  };
  for (std::int64_t i = 0; i + 1 < size; ++i) offer(i);
  while (!heap.empty()) {
    const Candidate best = heap.top();
    heap.pop();
    Node& left = at(best.left);
    const bool current =
        left.symbol == best.left_symbol && left.next >= 0 && at(left.next).symbol == best.right_symbol;
    if (!current) continue;
    Node& right = at(left.next);
    left.symbol = best.merge.symbol;
    right.symbol = -1;
    left.next = right.next;
    if (left.next >= 0) at(left.next).previous = best.left;
    offer(left.previous);
    offer(best.left);
  }
  symbols.clear();
  for (std::int64_t i = 0; i >= 0; i = at(i).next) symbols.push_back(at(i).symbol);
}

}  // namespace espalier
