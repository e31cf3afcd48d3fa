#include "data/wordnet.h"

#include <cstdlib>

#include "base/error.h"
#include "text/utf8.h"

// Whatever the bytes: a UserError, or synsets of known categories with words and texts of whole characters.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace espalier;
  try {
    const auto synsets = parse_wordnet({reinterpret_cast<const char*>(data), size}, "fuzz");
    if (synsets.empty()) std::abort();
    for (const Synset& synset : synsets) {
      if (synset.category < 0 || synset.category >= static_cast<int>(kWordNetCategories.size())) std::abort();
      for (const std::string& word : synset.words) {
        if (word.empty() || find_invalid_utf8(word)) std::abort();
      }
      for (const std::string& example : synset.examples) {
        if (example.empty() || find_invalid_utf8(example)) std::abort();
      }
      if (find_invalid_utf8(synset.definition)) std::abort();
      if (split_of(synset.definition) != split_of(normalized_definition(synset.definition))) std::abort();
    }
  } catch (const UserError&) {
  }
  return 0;
}
