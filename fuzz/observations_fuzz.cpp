#include "artifacts/observations.h"

#include <cstdlib>

#include "base/error.h"

// Whatever the bytes: a UserError, or observations that are valid and merge with themselves.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace espalier;
  try {
    const Observations read = observations_from_bytes(std::as_bytes(std::span(data, size)), "fuzz");
    try {
      validate(read, "again");
    } catch (const UserError&) {
      std::abort();
    }
    const double weight = 0.5;
    const Observations merged = merge({&read, 1}, {&weight, 1});
    for (std::size_t i = 0; i < read.layers.size(); ++i) {
      const LayerObservations &before = read.layers[i], &after = merged.layers[i];
      if (after.tokens != weight * before.tokens || after.routed.size() != before.routed.size()) std::abort();
    }
  } catch (const UserError& error) {
    if (std::string_view(error.what()).find("fuzz") == std::string_view::npos) std::abort();
  }
  return 0;
}
