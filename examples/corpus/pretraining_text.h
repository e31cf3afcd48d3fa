#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "corpus/gcide.h"
#include "data/wordnet.h"

namespace espalier::examples {

/// Finds the definitions that a model must not see before it is evaluated: those of WordNet's dev and test
/// splits. Compared are normalized words (`normalized_definition`). Definitions of four and more words are
/// found anywhere in a text; shorter ones ("a dog") only where they are the whole of one of the text's parts
/// (between ; : . ", line ends).
class HeldOutDefinitions {
 public:
  static constexpr std::size_t kWordsOfAPhrase = 4;
  explicit HeldOutDefinitions(std::span<const Synset> synsets);
  bool occurs_in(std::string_view text) const;
  std::size_t size() const { return definitions_.size(); }  ///< distinct, normalized

 private:
  bool phrase_in(std::string_view normalized) const;

  std::vector<std::string> definitions_;
  std::unordered_map<std::string, std::vector<std::size_t>> by_first_words_;  // long definitions
  std::unordered_map<std::string, std::size_t> whole_;
};

/// What was written and left out.
struct PretrainingTextSummary {
  std::size_t documents = 0;
  std::size_t held_out_synsets = 0;   ///< WordNet: synsets of dev and test
  std::size_t repeated_held_out = 0;  ///< other parts in which a held-out definition occurs
  std::size_t wordnet_blocks = 0;     ///< GCIDE: parts marked as WordNet's
};

using TextSink = std::function<void(std::string_view)>;

/// Documents (an empty line after each): "words: definition" and the examples, a line each, of the synsets
/// whose definition is in the training split and that repeat none of the held-out ones.
PretrainingTextSummary write_wordnet_text(std::span<const Synset> synsets, const HeldOutDefinitions& held_out,
                                          const TextSink& out);

/// Documents: "headword: first sense" and a line for each further sense and quotation, without the lines in
/// which a held-out definition occurs.
PretrainingTextSummary write_gcide_text(std::span<const GcideEntry> entries,
                                        const HeldOutDefinitions& held_out, const TextSink& out);

}  // namespace espalier::examples
