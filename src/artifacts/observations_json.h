#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>
#include <vector>

#include "artifacts/observations.h"

namespace espalier {

// The parts of a file of observations that are not tensors.

/// What the metadata say: everything but statistics, token use and texts.
struct ObservationsHead {
  Observations observations;                         ///< layers without their vectors
  std::vector<std::int64_t> experts;                 ///< [layers] E
  std::vector<std::int64_t> widths;                  ///< [layers] D
  std::vector<std::optional<std::size_t>> samples;   ///< [layers] S where single tokens were kept
  std::vector<bool> weight_cosine, correction_bias;  ///< [layers] whether there is such a tensor
};
nlohmann::ordered_json head_to_json(const Observations& observations);
/// Strict; a UserError begins with `where`.
ObservationsHead head_from_json(std::string_view text, std::string_view where);

/// Examples and the texts of tokens.
nlohmann::ordered_json texts_to_json(const Observations& observations);
void texts_from_json(std::string_view text, std::string_view where, Observations& observations);

}  // namespace espalier
