#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace espalier::infer {

/// Sequences packed one after another, without padding: sequence b holds tokens offsets[b] .. offsets[b+1]-1.
struct SequenceLayout {
  std::vector<std::int64_t> offsets{0};  // [B+1], ascending from 0

  std::int64_t sequences() const { return static_cast<std::int64_t>(offsets.size()) - 1; }
  std::int64_t tokens() const { return offsets.back(); }
  std::int64_t begin(std::int64_t b) const { return offsets[static_cast<std::size_t>(b)]; }
  std::int64_t length(std::int64_t b) const { return begin(b + 1) - begin(b); }
  std::int64_t longest() const {
    std::int64_t longest = 0;
    for (std::int64_t b = 0; b < sequences(); ++b) longest = std::max(longest, length(b));
    return longest;
  }
  void append(std::int64_t length) { offsets.push_back(offsets.back() + length); }

  /// `count` sequences of `length` tokens each.
  static SequenceLayout uniform(std::int64_t count, std::int64_t length) {
    SequenceLayout layout;
    for (std::int64_t b = 0; b < count; ++b) layout.append(length);
    return layout;
  }
};

}  // namespace espalier::infer
