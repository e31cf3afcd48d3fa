#include "observe/observe_images.h"

#include <map>

#include "arch/described_model.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/interrupt.h"
#include "data/images/image_batches.h"
#include "observe/layer_observer.h"

namespace espalier {
namespace {

Observations described(const infer::VisionModel& model, const ImageSet& set) {
  const Checkpoint& checkpoint = *model.source;
  const Topology topology = arch::describe(checkpoint).topology;
  Observations result;
  result.model = checkpoint.folder().string();
  result.model_type = topology.model_type;
  result.topology_sha256 = topology.sha256;
  result.experts_per_token = static_cast<int>(topology.experts_per_token);
  result.router_groups = static_cast<int>(topology.groups);
  result.router_top_groups = static_cast<int>(topology.top_groups);
  result.version = ESPALIER_VERSION;
  for (const MoeLayerTensors& layer : topology.layers) {
    result.layers.emplace_back(static_cast<int>(layer.layer), static_cast<std::size_t>(layer.num_experts),
                               static_cast<std::size_t>(model.width()));
    result.layers.back().expert_bytes = bytes_per_expert(checkpoint, layer);
  }
  ObservedData data;
  data.source = set.source;
  Sha256 hash;
  hash.update(std::as_bytes(std::span(set.classes)));
  hash.update(std::as_bytes(std::span(set.pixels)));
  data.sha256 = hash.hex();
  data.sequences = static_cast<std::int64_t>(set.size());
  data.sequence_length = model.spec.positions();
  data.tokens = data.sequences * data.sequence_length;
  result.data.push_back(std::move(data));
  return result;
}

}  // namespace

Observations observe_images(const infer::VisionModel& model, const ImageSet& set, std::int64_t batch,
                            const ProgressSink& progress) {
  Observations result = described(model, set);
  std::map<std::int64_t, LayerObserver> observers;
  for (const LayerObservations& layer : result.layers)
    observers.try_emplace(layer.layer, layer.layer, static_cast<std::int64_t>(layer.experts()),
                          model.width());
  const auto tap = [&](std::int64_t block) {
    LayerObserver& observer = observers.at(block);
    return infer::ExpertTap{[&](const infer::RoutingView& routing) { observer.routed(routing); },
                            [&](const infer::ExpertOutput& output) { observer.computed(output); }};
  };
  ImageBatches batches(
      set, {.batch_size = batch, .image_size = model.spec.image().image_size, .order = ImageOrder::kFile});
  std::uint64_t done = 0;
  for (CorpusCursor cursor; cursor.epoch == 0;) {
    const auto images = batches.next(cursor);
    classify_images(model, images.images(), images.pixels.data(), tap);
    done += static_cast<std::uint64_t>(images.images());
    if (progress) progress({"observing", done, set.size(), "images"});
    if (interrupt_requested()) throw Interrupted("stopped while observing; nothing is saved");
  }
  for (LayerObservations& layer : result.layers) {
    const auto bytes = layer.expert_bytes;
    layer = observers.at(layer.layer).observations();
    layer.expert_bytes = bytes;
  }
  return result;
}

}  // namespace espalier
