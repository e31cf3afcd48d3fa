#include "data/token_sequences.h"

#include <cstdlib>

#include "base/error.h"

// Whatever the bytes: a UserError, or sequences that a model of this size can take.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace espalier;
  constexpr std::int64_t kVocabulary = 1000, kPositions = 8;
  try {
    const TokenSequences sequences =
        parse_token_sequences({reinterpret_cast<const char*>(data), size}, "fuzz", kVocabulary, kPositions);
    if (sequences.empty()) std::abort();
    for (const auto& ids : sequences) {
      if (ids.empty() || ids.size() > static_cast<std::size_t>(kPositions)) std::abort();
      for (const std::int64_t id : ids) {
        if (id < 0 || id >= kVocabulary) std::abort();
      }
    }
  } catch (const UserError&) {
  }
  return 0;
}
