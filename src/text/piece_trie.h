#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

/// Longest-prefix lookup among the pieces of a vocabulary: a double-array trie over bytes (Aoe 1989), one
/// root for pieces that begin a word and one for continuations ("##").
class PieceTrie {
 public:
  enum class Position { kWordStart, kContinuation };
  struct Match {
    std::int32_t id = -1;
    std::uint32_t bytes = 0;  ///< 0: no piece is a prefix
  };

  /// `pieces[i]` has id i; `continuation` in front marks one. An empty piece is no piece.
  explicit PieceTrie(std::span<const std::string> pieces, std::string_view continuation = "##");

  Match longest_prefix(std::string_view text, Position position) const {
    Match best;
    std::uint32_t node = position == Position::kWordStart ? kWordRoot : kContinuationRoot;
    for (std::uint32_t i = 0; i < text.size(); ++i) {
      const std::uint32_t child = nodes_[node].base + static_cast<std::uint8_t>(text[i]);
      if (nodes_[child].parent != node) break;
      node = child;
      if (nodes_[node].id >= 0) best = {nodes_[node].id, i + 1};
    }
    return best;
  }

 private:
  static constexpr std::uint32_t kWordRoot = 0, kContinuationRoot = 1, kFree = 0xFFFFFFFFu;
  struct Node {
    std::uint32_t base = 0;
    std::uint32_t parent = kFree;
    std::int32_t id = -1;
  };
  struct Key {
    std::string_view bytes;
    std::int32_t id;
  };

  /// Keys that are to be placed below a node: equal up to `depth`.
  struct Branch {
    std::uint32_t node = 0;
    std::span<const Key> keys;
    std::size_t depth = 0;
  };
  void insert(std::uint32_t root, std::span<const Key> sorted_keys);
  void place(Branch branch, std::vector<Branch>& below);
  std::uint32_t find_base(std::span<const std::uint8_t> labels);

  std::vector<Node> nodes_;
  std::array<std::uint32_t, 10> search_start_{};  // by bit width of the number of labels
};

}  // namespace espalier
