#include "observe/observe_images.h"

#include <cmath>
#include <map>

#include "arch/vmoe_tensors.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/interrupt.h"
#include "data/images/image_batches.h"

namespace espalier {
namespace {

/// Adds one batch's routing of a layer; tensors are float32 on the CPU.
class LayerSums {
 public:
  LayerSums(LayerObservations& sums, const MoeLayer& layer) : sums_(sums), layer_(layer) {}

  void add(const Ops& ops, const torch::Tensor& x, const Routing& routing) {
    count(routing);
    sum_scores(routing);
    for (std::int64_t e = 0; e < layer_.experts.count(); ++e) sum_outputs(ops, x, routing, e);
  }

 private:
  std::int64_t row_of(std::int64_t expert) const {
    if (layer_.expert_of_row.empty()) return expert;
    for (std::size_t row = 0; row < layer_.expert_of_row.size(); ++row)
      if (layer_.expert_of_row[row] == expert) return static_cast<std::int64_t>(row);
    throw InternalError("an expert without a row of the router");
  }
  std::int32_t expert_of(std::int32_t row) const {
    return row < 0 || layer_.expert_of_row.empty() ? row
                                                   : layer_.expert_of_row[static_cast<std::size_t>(row)];
  }

  void count(const Routing& routing) {
    const auto chosen = routing.chosen.contiguous();
    const auto gates = routing.gates.contiguous();
    const auto N = chosen.size(0), K = chosen.size(1);
    const auto E = static_cast<std::size_t>(layer_.experts.count());
    const auto* row = chosen.data_ptr<std::int32_t>();
    const auto* gate = gates.data_ptr<float>();
    sums_.tokens += static_cast<double>(N);
    for (std::int64_t n = 0; n < N; ++n, row += K, gate += K) {
      std::int64_t best = -1;
      for (std::int64_t k = 0; k < K; ++k) {
        if (row[k] >= 0 && (best < 0 || gate[k] > gate[best])) best = k;
        const auto expert = expert_of(row[k]);
        if (expert < 0) continue;
        const auto e = static_cast<std::size_t>(expert);
        sums_.routed[e] += 1;
        sums_.gate_sum[e] += static_cast<double>(gate[k]);
        for (std::int64_t other = 0; other < K; ++other)
          if (const auto with = expert_of(row[other]); with >= 0)
            sums_.together[e * E + static_cast<std::size_t>(with)] += 1;
      }
      if (best < 0 || expert_of(row[best]) < 0) continue;
      const auto e = static_cast<std::size_t>(expert_of(row[best]));
      sums_.top1[e] += 1;
      sums_.top1_gate_sum[e] += static_cast<double>(gate[best]);
    }
  }

  void sum_scores(const Routing& routing) {
    const auto alpha = routing.unjittered.to(torch::kFloat64);
    const auto entropy = torch::special_xlogy(alpha, alpha);
    sums_.entropy_sum -= entropy.sum().item<double>();
    // A member of an ensemble has no logits for the experts of another.
    const auto logits = torch::nan_to_num(routing.logits.to(torch::kFloat64), 0.0, 0.0, 0.0);
    const auto E = layer_.experts.count();
    std::vector<std::int64_t> rows;
    for (std::int64_t e = 0; e < E; ++e) rows.push_back(row_of(e));
    const auto living = torch::tensor(rows, torch::kInt64);
    add_to(sums_.score_sum, alpha.sum(0).index_select(0, living));
    add_to(sums_.logit_sum, logits.sum(0).index_select(0, living));
    const auto own = logits.index_select(1, living);
    add_to(sums_.logit_product_sum, torch::matmul(own.t(), own));
  }

  static void add_to(std::vector<double>& sums, const torch::Tensor& values) {
    const auto flat = values.contiguous();
    for (std::size_t i = 0; i < sums.size(); ++i) sums[i] += flat.data_ptr<double>()[i];
  }

  void sum_outputs(const Ops& ops, const torch::Tensor& x, const Routing& routing, std::int64_t expert) {
    const auto pairs = (routing.chosen == row_of(expert)).nonzero();  // [R, 2]: token, slot
    if (pairs.size(0) == 0) return;
    const auto& w = layer_.experts;
    const auto y = ops.ffn(x.index_select(0, pairs.select(1, 0)).contiguous(),
                           {w.up[expert], w.up_bias[expert], w.down[expert], w.down_bias[expert]})
                       .to(torch::kFloat64);
    const auto norms = y.square().sum(1).sqrt();
    const auto gates = routing.gates.index({pairs.select(1, 0), pairs.select(1, 1)}).to(torch::kFloat64);
    const auto e = static_cast<std::size_t>(expert);
    sums_.norm_sum[e] += norms.sum().item<double>();
    sums_.norm_max[e] = std::max(sums_.norm_max[e], norms.max().item<double>());
    sums_.weighted_norm_sum[e] += (norms * gates).sum().item<double>();
    sums_.weighted_norm_max[e] = std::max(sums_.weighted_norm_max[e], (norms * gates).max().item<double>());
    const auto outputs = y.sum(0).contiguous();
    const auto width = sums_.width();
    for (std::size_t d = 0; d < width; ++d) sums_.output_sum[e * width + d] += outputs.data_ptr<double>()[d];
  }

  LayerObservations& sums_;
  const MoeLayer& layer_;
};

Observations described(const VmoeModel& model, const Checkpoint& checkpoint, const ImageSet& set) {
  const Topology topology = vmoe_topology(checkpoint);
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
                               static_cast<std::size_t>(model.config.hidden_size));
    result.layers.back().expert_bytes = bytes_per_expert(checkpoint, layer);
  }
  ObservedData data;
  data.source = set.source;
  Sha256 hash;
  hash.update(std::as_bytes(std::span(set.classes)));
  hash.update(std::as_bytes(std::span(set.pixels)));
  data.sha256 = hash.hex();
  data.sequences = static_cast<std::int64_t>(set.size());
  data.sequence_length = model.config.positions();
  data.tokens = data.sequences * data.sequence_length;
  result.data.push_back(std::move(data));
  return result;
}

}  // namespace

Observations observe_images(const VmoeModel& model, const Checkpoint& checkpoint, const ImageSet& set,
                            std::int64_t batch, Backend backend, const ProgressSink& progress) {
  const torch::NoGradGuard no_grad;
  Observations result = described(model, checkpoint, set);
  std::map<std::int64_t, LayerObservations*> layers;
  for (LayerObservations& layer : result.layers) layers[layer.layer] = &layer;
  const Ops& operations = ops(backend);
  const VmoeTap tap = [&](std::int64_t block, const torch::Tensor& x, const Routing& routing,
                          const MoeLayer& layer) {
    LayerSums(*layers.at(block), layer).add(operations, x, routing);
  };
  ImageBatches batches(
      set, {.batch_size = batch, .image_size = model.config.image_size, .order = ImageOrder::kFile});
  std::uint64_t done = 0;
  for (CorpusCursor cursor; cursor.epoch == 0;) {
    auto images = batches.next(cursor);
    const auto B = images.images(), S = images.size;
    const auto pixels = torch::from_blob(images.pixels.data(), {B, S, S, 3}, torch::kFloat32);
    forward(model, pixels, {.backend = backend}, tap);
    done += static_cast<std::uint64_t>(B);
    if (progress) progress({"observing", done, set.size(), "images"});
    if (interrupt_requested()) throw Interrupted("stopped while observing; nothing is saved");
  }
  return result;
}

}  // namespace espalier
