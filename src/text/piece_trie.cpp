#include "text/piece_trie.h"

#include <algorithm>
#include <bit>
#include <string>

namespace espalier {

PieceTrie::PieceTrie(std::span<const std::string> pieces, std::string_view continuation) {
  nodes_.resize(2 + 512);
  // A root is nobody's child: its parent names no node, and nothing may be placed on it.
  nodes_[kWordRoot].parent = nodes_[kContinuationRoot].parent = kFree - 1;
  std::vector<Key> words;
  std::vector<Key> continuations;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    const std::string_view piece = pieces[i];
    const auto id = static_cast<std::int32_t>(i);
    if (!piece.empty()) words.push_back({piece, id});
    if (piece.starts_with(continuation) && piece.size() > continuation.size()) {
      continuations.push_back({piece.substr(continuation.size()), id});
    }
  }
  const auto by_bytes = [](const Key& a, const Key& b) { return a.bytes < b.bytes; };
  std::sort(words.begin(), words.end(), by_bytes);
  std::sort(continuations.begin(), continuations.end(), by_bytes);
  insert(kWordRoot, words);
  insert(kContinuationRoot, continuations);
}

// First fit, each search starting where the last one for a like number of labels ended: holes that were too
// small for a node are too small for the next of its size, and single children fill them.
std::uint32_t PieceTrie::find_base(std::span<const std::uint8_t> labels) {
  auto& start = search_start_[static_cast<std::size_t>(std::bit_width(labels.size()))];
  for (std::uint32_t slot = std::max<std::uint32_t>(start, labels[0]);; ++slot) {
    const std::uint32_t base = slot - labels[0];
    if (base + 512 > nodes_.size()) nodes_.resize(base + 1024);
    const bool fits = std::all_of(labels.begin(), labels.end(),
                                  [&](std::uint8_t label) { return nodes_[base + label].parent == kFree; });
    if (fits) {
      start = slot;
      return base;
    }
  }
}

// A list of what is left to place, not a recursion: a piece may be of any length.
void PieceTrie::insert(std::uint32_t root, std::span<const Key> sorted_keys) {
  std::vector<Branch> left = {{root, sorted_keys, 0}};
  while (!left.empty()) {
    const Branch branch = left.back();
    left.pop_back();
    place(branch, left);
  }
}

void PieceTrie::place(Branch branch, std::vector<Branch>& below) {
  auto [node, keys, depth] = branch;
  // One longer than any other comes after it in sorted order, so the key that ends here is the first.
  while (!keys.empty() && keys[0].bytes.size() == depth) {
    nodes_[node].id = keys[0].id;
    keys = keys.subspan(1);
  }
  if (keys.empty()) return;
  std::vector<std::uint8_t> labels;
  std::vector<std::size_t> begins;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const auto label = static_cast<std::uint8_t>(keys[i].bytes[depth]);
    if (labels.empty() || labels.back() != label) {
      labels.push_back(label);
      begins.push_back(i);
    }
  }
  begins.push_back(keys.size());
  const std::uint32_t base = find_base(labels);
  nodes_[node].base = base;
  for (const auto label : labels) nodes_[base + label].parent = node;
  for (std::size_t i = labels.size(); i-- > 0;) {  // the first is taken up first
    below.push_back({base + labels[i], keys.subspan(begins[i], begins[i + 1] - begins[i]), depth + 1});
  }
}

}  // namespace espalier
