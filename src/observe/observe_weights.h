#pragma once

#include <cstdint>
#include <string>

#include "artifacts/observations.h"
#include "base/progress.h"
#include "infer/decoder.h"

namespace espalier {

/// What is said of a model's experts without data.
struct WeightObservationOptions {
  std::string model;        ///< as named by the user, for the record
  bool weights = false;     ///< cosine of weights, neurons aligned
  std::int64_t probes = 0;  ///< Gaussian vectors that every expert computes
  std::uint64_t seed = 0;   ///< of the probes
  ProgressSink progress;    ///< "comparing experts", in layers
};

/// Observations without tokens: every count and sum of routing is 0. Experts see what follows a norm, so
/// probes are standard normal. Throws UserError where a weight is not finite.
Observations observe_weights(const infer::DecoderModel& model, const WeightObservationOptions& options);

}  // namespace espalier
