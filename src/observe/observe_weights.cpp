#include "observe/observe_weights.h"

#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/rng.h"
#include "observe/describe_model.h"
#include "observe/every_expert_observer.h"
#include "observe/neuron_alignment.h"

namespace espalier {
namespace {

/// [E, E] cosine of all weights of each pair, the second's neurons put in the order of the first's.
std::vector<double> weight_cosines(const infer::DecoderMoe& moe, std::int64_t layer) {
  const std::size_t E = moe.experts.size();
  std::vector<double> squares, cosines(E * E, 1.0);
  for (std::size_t e = 0; e < E; ++e) {
    squares.push_back(square_sum(moe.experts[e]));
    if (std::isfinite(squares.back())) continue;
    throw UserError(fmt::format("layer {}: expert {} has weights that are not finite", layer, e),
                    "the file is damaged or training diverged");
  }
  for (std::size_t i = 0; i < E; ++i) {
    for (std::size_t j = i + 1; j < E; ++j) {
      if (interrupt_requested()) throw Interrupted("stopped; nothing is saved");
      const double norms = std::sqrt(squares[i] * squares[j]);
      const double product = align_neurons(moe.experts[i], moe.experts[j]).product;
      cosines[i * E + j] = cosines[j * E + i] = norms > 0 ? product / norms : 0.0;
    }
  }
  return cosines;
}

ExpertMoments probe(const infer::DecoderMoe& moe, std::int64_t layer,
                    const WeightObservationOptions& options) {
  const std::int64_t D = moe.experts.front().width();
  SimilarityOptions similarity;
  similarity.moments = similarity.cross_moments = true;
  similarity.seed = options.seed;
  EveryExpertObserver observer(every_expert(moe), layer, options.probes, similarity);
  Rng rng(options.seed, static_cast<std::uint64_t>(layer));
  std::vector<float> x(static_cast<std::size_t>(options.probes * D));
  for (float& value : x) value = static_cast<float>(rng.normal());
  observer.add(options.probes, x.data(), nullptr);
  return observer.moments();
}

}  // namespace

Observations observe_weights(const infer::DecoderModel& model, const WeightObservationOptions& options) {
  Observations observations = describe_model(model, options.model);
  const auto bytes = expert_bytes_of(model);
  const std::int64_t L = model.spec.layers();
  for (std::int64_t layer = 0; layer < L; ++layer) {
    const infer::DecoderBlock& block = model.blocks[static_cast<std::size_t>(layer)];
    const infer::DecoderMoe* moe = block.moe();
    if (moe == nullptr) continue;
    if (options.progress)
      options.progress(
          {"comparing experts", static_cast<std::uint64_t>(layer), static_cast<std::uint64_t>(L), "layers"});
    LayerObservations& result = observations.layers.emplace_back(static_cast<int>(layer), moe->experts.size(),
                                                                 static_cast<std::size_t>(model.width()));
    result.expert_bytes = bytes.at(layer);
    if (options.weights) result.weight_cosine = weight_cosines(*moe, layer);
    if (options.probes > 0) result.probes = probe(*moe, layer, options);
    for_each_weight(block, [](const infer::StoredWeight& weight) { release(weight); });
  }
  validate(observations, "the observations");
  return observations;
}

}  // namespace espalier
