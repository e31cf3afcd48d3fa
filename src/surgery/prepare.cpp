#include "arch/inspect.h"
#include "surgery/apply.h"

namespace espalier {
namespace {

/// Of a vision model's constants in the place of experts: how many more there are.
std::int64_t novice_parameters(const Checkpoint& checkpoint, const Surgery& surgery, std::size_t i) {
  const MoeLayerTensors& layer = surgery.topology.layers[i];
  if (!surgery.keeps_rows()) return 0;
  const bool earlier = checkpoint.contains(layer.novices);
  if (!earlier && surgery.layers[i].novices.empty()) return 0;
  const std::int64_t from = earlier ? layer.num_experts : checkpoint.tensor(layer.router).shape[0];
  return (from - surgery.experts_after(i)) * layer.router_parameters_per_expert;
}

/// Parameters that leave each MoE layer, by what its experts and router rows have.
void count_parameters(const Checkpoint& checkpoint, const Topology& before, const Surgery& surgery,
                      ApplySummary& summary) {
  summary.parameters_after = summary.parameters_before;
  summary.parameters_per_token_after = summary.parameters_per_token_before;
  for (std::size_t i = 0; i < before.layers.size(); ++i) {
    const MoeLayerTensors& layer = before.layers[i];
    if (surgery.drops(layer)) continue;
    const std::int64_t after = surgery.experts_after(i);
    const std::int64_t removed = layer.num_experts - after;
    const bool lone = after == 1 && layer.num_experts > 1 && surgery.can().lone_expert_is_dense;
    const std::int64_t rows =
        surgery.keeps_rows() ? 0 : (removed + (lone ? 1 : 0)) * layer.router_parameters_per_expert;
    summary.parameters_after -= removed * layer.parameters_per_expert + rows;
    summary.parameters_after += novice_parameters(checkpoint, surgery, i);
    summary.layers.push_back(layer.layer);
    summary.experts_before.push_back(layer.num_experts);
    summary.experts_after.push_back(after);
    if (layer.kind == MoeLayerKind::kNextToken) continue;
    const std::int64_t visited = lone ? 1 : surgery.experts_per_token;
    summary.parameters_per_token_after -=
        rows + (before.experts_per_token - visited) * layer.parameters_per_expert;
  }
  if (surgery.options.next_token == NextTokenLayers::kDrop)
    summary.parameters_after -= before.next_token_parameters;
}

}  // namespace

PreparedSurgery prepare_surgery(const std::filesystem::path& model, const std::filesystem::path& plan_file,
                                const SurgeryOptions& options, std::uint64_t shard_bytes) {
  Checkpoint checkpoint = Checkpoint::open(model);
  const Inspection inspection = inspect(checkpoint);
  Plan plan = read_plan(plan_file);
  Surgery surgery = fit_plan(plan, plan_file.string(), checkpoint, inspection.topology, options);
  Layout layout = plan_layout(checkpoint, surgery, shard_bytes);
  ApplySummary summary;
  summary.model_type = inspection.model_type;
  summary.parameters_before = inspection.parameters;
  summary.parameters_per_token_before = inspection.parameters_per_token;
  count_parameters(checkpoint, inspection.topology, surgery, summary);
  summary.file_bytes_before = checkpoint.file_bytes();
  summary.file_bytes_after = layout.file_bytes();
  for (const OutputShard& shard : layout.shards) summary.files.emplace_back(shard.file, shard.bytes());
  summary.notes = surgery.notes;
  return {std::move(checkpoint), std::move(plan), std::move(surgery), std::move(layout), std::move(summary)};
}

}  // namespace espalier
