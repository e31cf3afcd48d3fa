#pragma once

#include <cstddef>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace espalier {

/// A text cut into words, which are what merges never cross.
struct SplitText {
  struct Word {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  std::string text;
  std::vector<Word> words;
  bool at_start = true;  ///< nothing stands before it in the whole text

  std::string_view word(std::size_t i) const {
    return std::string_view(text).substr(words[i].begin, words[i].end - words[i].begin);
  }
};

/// The "pre_tokenizer" of a tokenizer.json.
struct PreTokenizer {
  /// Cuts the words finer, or changes their text.
  using Step = std::function<void(SplitText&)>;
  std::vector<Step> steps;
  bool byte_level = false;  ///< the model works on bytes, which the vocabulary spells in 256 letters

  void split(SplitText& text) const {
    for (const Step& step : steps) step(text);
  }
};

/// Throws UserError beginning with `where` for a component or option that is not known. null: texts are one
/// word.
PreTokenizer make_pre_tokenizer(const nlohmann::json& component, const std::string& where);

}  // namespace espalier
