#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "text/basic_tokenizer.h"

namespace espalier {

/// How often each word of a text occurs, as the basic tokenizer splits it.
class WordCounts {
 public:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  using Map = std::unordered_map<std::string, std::uint64_t, Hash, std::equal_to<>>;

  explicit WordCounts(const BasicTokenizerOptions& options) : tokenizer_(options) {}

  void add(std::string_view text) { tokenizer_.split(text, *this); }
  const Map& counts() const { return counts_; }

  void word(std::string_view utf8) {
    const auto found = counts_.find(utf8);
    if (found != counts_.end()) {
      ++found->second;
    } else {
      counts_.emplace(utf8, 1);
    }
  }
  void long_word() {}

 private:
  BasicTokenizer tokenizer_;
  Map counts_;
};

}  // namespace espalier
