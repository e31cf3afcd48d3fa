#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace espalier {

/// A set of Unicode code points with constant-time lookup: a bitmap for ASCII, equal pages stored once for
/// the rest.
class CharacterSet {
 public:
  struct Range {
    std::uint32_t first = 0;
    std::uint32_t last = 0;
  };

  CharacterSet() : CharacterSet(std::span<const Range>{}) {}
  /// Code points past U+10FFFF do not exist: no range goes beyond.
  explicit CharacterSet(std::span<const Range> ranges);

  bool contains(std::uint32_t code_point) const {
    if (code_point < 128) return contains_ascii(code_point);
    if (page_of_.empty()) return false;
    const Page& page = pages_[page_of_[code_point >> 8]];
    return (page[(code_point >> 6) & 3u] >> (code_point & 63u)) & 1u;
  }
  bool contains_ascii(std::uint32_t byte) const { return (ascii_[byte >> 6] >> (byte & 63u)) & 1u; }
  bool has_others() const { return !page_of_.empty(); }  ///< any past ASCII

 private:
  using Page = std::array<std::uint64_t, 4>;  // 256 code points

  std::array<std::uint64_t, 2> ascii_{};
  std::vector<std::uint16_t> page_of_;  // empty: ASCII only
  std::vector<Page> pages_;
};

}  // namespace espalier
