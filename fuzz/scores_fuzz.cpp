#include "artifacts/scores.h"

#include <cstdlib>

#include "base/error.h"

// Whatever the bytes: a UserError, or scores that are valid and are the same after writing and reading them.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace espalier;
  try {
    const Scores scores = scores_from_json({reinterpret_cast<const char*>(data), size}, "fuzz");
    for (const LayerScores& layer : scores.layers) {
      if (layer.scores.empty()) std::abort();
      if (!layer.tokens.empty() && layer.scores.size() != layer.tokens.size()) std::abort();
      if (layer.scores.size() != layer.original.size()) std::abort();
    }
    try {
      const std::string written = scores_to_json(scores);
      if (scores_to_json(scores_from_json(written, "again")) != written) std::abort();
    } catch (const UserError&) {
      std::abort();  // what was read must be readable again
    }
  } catch (const UserError& error) {
    if (!std::string_view(error.what()).starts_with("fuzz")) std::abort();
  }
  return 0;
}
