#include "observe/observe_encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "arch/described_model.h"
#include "base/error.h"
#include "base/interrupt.h"
#include "observe/layer_observer.h"

namespace espalier {
namespace {

constexpr std::int64_t kBatchTokens = 4096;

Observations described(const infer::EncoderModel& model, const ObservedRows& rows,
                       const ObserveOptions& options) {
  const Topology topology = arch::describe(*model.source).topology;
  if (topology.layers.empty())
    throw UserError(fmt::format("{}: the model has no experts", options.model),
                    "name a Mixture-of-Experts encoder (espalier_bert_moe)");
  Observations result;
  result.model = options.model;
  result.model_type = topology.model_type;
  result.topology_sha256 = topology.sha256;
  result.experts_per_token = static_cast<int>(topology.experts_per_token);
  result.version = ESPALIER_VERSION;
  result.data = {rows.data};
  for (const MoeLayerTensors& layer : topology.layers) {
    result.layers.emplace_back(static_cast<int>(layer.layer), static_cast<std::size_t>(layer.num_experts),
                               static_cast<std::size_t>(model.width()));
    result.layers.back().expert_bytes = bytes_per_expert(*model.source, layer);
  }
  return result;
}

/// What is taken of one layer.
struct Layer {
  LayerObserver statistics;
  std::optional<EveryExpertObserver> every;

  infer::ExpertTap tap() {
    infer::ExpertTap tap{[this](const infer::RoutingView& routing) { statistics.routed(routing); },
                         [this](const infer::ExpertOutput& output) { statistics.computed(output); }};
    if (every)
      tap.inputs = [this](std::int64_t N, const float* x, const infer::RoutingView& routing) {
        every->add(N, x, &routing);
      };
    return tap;
  }
};

std::map<std::int64_t, Layer> layers_of(const infer::EncoderModel& model, const Observations& described,
                                        std::int64_t tokens, const SimilarityOptions& similarity) {
  std::map<std::int64_t, Layer> layers;
  for (const LayerObservations& layer : described.layers) {
    Layer& own =
        layers
            .try_emplace(
                layer.layer,
                Layer{LayerObserver(layer.layer, static_cast<std::int64_t>(layer.experts()), model.width()),
                      {}})
            .first->second;
    if (similarity.any())
      own.every.emplace(every_expert(*model.blocks[static_cast<std::size_t>(layer.layer)].moe()), layer.layer,
                        tokens, similarity);
  }
  return layers;
}

/// The next rows that make a batch, one at least.
std::span<const std::vector<std::int64_t>> next_batch(std::span<const std::vector<std::int64_t>> rows) {
  std::size_t count = 0, tokens = 0;
  while (count < rows.size() && (count == 0 || tokens + rows[count].size() <= kBatchTokens))
    tokens += rows[count++].size();
  return rows.first(count);
}

void collect(std::map<std::int64_t, Layer>& layers, const SimilarityOptions& similarity,
             Observations& result) {
  for (LayerObservations& layer : result.layers) {
    Layer& own = layers.at(layer.layer);
    const auto bytes = layer.expert_bytes;
    layer = own.statistics.observations();
    layer.expert_bytes = bytes;
    if (!own.every) continue;
    if (similarity.moments || similarity.cross_moments) layer.every_expert = own.every->moments();
    if (similarity.samples > 0) layer.samples = own.every->samples();
  }
}

}  // namespace

Observations observe_encoder(const infer::EncoderModel& model, const ObservedRows& rows,
                             const ObserveOptions& options) {
  Observations result = described(model, rows, options);
  std::int64_t all = 0, done = 0;
  for (const auto& row : rows.rows) all += static_cast<std::int64_t>(row.size());
  result.data.front().sequences = static_cast<std::int64_t>(rows.rows.size());
  result.data.front().tokens = all;
  auto layers = layers_of(model, result, all, options.similarity);
  for (auto left = rows.rows; !left.empty();) {
    const auto batch = next_batch(left);
    const auto tokens = infer::pack(batch);
    const std::vector<std::int64_t> ids(tokens.ids.begin(), tokens.ids.end());
    infer::encode(model, {ids, {}, tokens.layout},
                  [&](std::int64_t block) { return layers.at(block).tap(); });
    left = left.subspan(batch.size());
    done += tokens.layout.tokens();
    if (options.progress)
      options.progress(
          {"observing", static_cast<std::uint64_t>(done), static_cast<std::uint64_t>(all), "tokens"});
    if (interrupt_requested()) throw Interrupted("stopped while observing; nothing is saved");
  }
  collect(layers, options.similarity, result);
  return result;
}

}  // namespace espalier
