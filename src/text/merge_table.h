#pragma once

#include <cstdint>
#include <vector>

namespace espalier {

/// Which neighbouring symbols join, in which order, and to what: an open-addressing table by pair.
class MergeTable {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFFu;
  struct Merge {
    std::uint32_t rank = kNone;  ///< smaller joins first
    std::int32_t symbol = -1;
  };

  explicit MergeTable(std::size_t merges);

  /// Keeps the first merge of a pair, as published tokenizers that repeat one do not exist.
  void add(std::int32_t left, std::int32_t right, Merge merge);

  Merge find(std::int32_t left, std::int32_t right) const {
    const std::uint64_t key = key_of(left, right);
    for (std::size_t i = hash(key) & mask_;; i = (i + 1) & mask_) {
      if (slots_[i].key == key) return slots_[i].merge;
      if (slots_[i].key == kEmpty) return {};
    }
  }

  /// Joins the symbols in place: again and again the pair of lowest rank, the leftmost first.
  void join(std::vector<std::int32_t>& symbols) const;

 private:
  static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};  // no pair: symbols are not negative
  struct Slot {
    std::uint64_t key = kEmpty;
    Merge merge;
  };
  static std::uint64_t key_of(std::int32_t left, std::int32_t right) {
    return (static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32) |
           static_cast<std::uint32_t>(right);
  }
  static std::size_t hash(std::uint64_t key) {
    return static_cast<std::size_t>((key ^ (key >> 29)) * 0x9e3779b97f4a7c15ULL >> 20);
  }
  void join_short(std::vector<std::int32_t>& symbols) const;
  void join_long(std::vector<std::int32_t>& symbols) const;

  std::vector<Slot> slots_;
  std::size_t mask_ = 0;
};

}  // namespace espalier
