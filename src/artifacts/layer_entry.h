#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace espalier {

// Far above any model; they keep a damaged number from meaning something.
constexpr int kMostLayers = 100'000;
constexpr int kMostExperts = 65'536;  ///< of one layer

/// Checks one entry of the list "layers" of scores and plans. Every mistake is a UserError that begins with
/// "WHERE: layers[INDEX].FIELD: ".
class LayerEntry {
 public:
  LayerEntry(std::string_view where, std::size_t index) : where_(where), index_(index) {}

  [[noreturn]] void fail(std::string_view field, std::string_view message,
                         std::string hint = kCorrectField) const;
  /// 0-based, and greater than that of the entry before (-1 for the first).
  void expect_layer_after(int layer, int before) const;
  void expect_length(std::string_view field, std::size_t found, std::size_t expected) const;
  /// Each from 0 to `below` - 1, none twice.
  void expect_distinct(std::string_view field, std::span<const int> numbers, int below) const;

 private:
  std::string_view where_;
  std::size_t index_;
};

/// 64 lower-case hexadecimal digits; anything else is a UserError "WHERE: FIELD: ...".
void expect_sha256(std::string_view text, std::string_view where, std::string_view field);

/// Required: an array of integers from 0 to `kMostExperts` - 1.
std::vector<int> expert_numbers(JsonObject& object, std::string_view key);
/// Required: the 0-based number of a block.
int block_number(JsonObject& object, std::string_view key);

}  // namespace espalier
