#include "moe/moe_layer.h"

#include <limits>
#include <utility>

#include "base/rng.h"

namespace espalier {
namespace {

/// Rows of the router to experts of the layer.
torch::Tensor experts_of_rows(const torch::Tensor& accepted, const std::vector<std::int32_t>& expert_of_row) {
  if (expert_of_row.empty()) return accepted;
  auto experts = accepted.clone();
  auto* choice = experts.data_ptr<std::int32_t>();
  for (std::int64_t i = 0; i < experts.numel(); ++i)
    if (choice[i] >= 0) choice[i] = expert_of_row[static_cast<std::size_t>(choice[i])];
  return experts;
}

/// y of the experts, and what the rows without one add: the sum over a token's rows of gate times constant.
/// accepted, gates [N, slots]; y [N, D].
torch::Tensor with_novices(const torch::Tensor& y, const MoeLayer& layer, const torch::Tensor& accepted,
                           const torch::Tensor& gates) {
  if (!layer.novices.defined()) return y;
  const auto rows = static_cast<std::int64_t>(layer.expert_of_row.size());
  auto place = torch::zeros({rows + 1}, torch::kInt64);  // of a row among the novices, from 1; 0: none
  std::int64_t count = 0;
  for (std::int64_t row = 0; row < rows; ++row)
    if (layer.expert_of_row[static_cast<std::size_t>(row)] < 0) place[row + 1] = ++count;
  const auto columns =
      place.index_select(0, accepted.to(torch::kInt64).view({-1}) + 1).view(accepted.sizes());
  const auto weights =
      torch::zeros({gates.size(0), count + 1}, gates.options()).scatter_add(1, columns, gates);
  return y + torch::matmul(weights.narrow(1, 1, count), layer.novices);
}

MoeOutput run_experts(const Ops& ops, const MoeLayer& layer, const torch::Tensor& x, Routing routing) {
  const auto y =
      ops.experts(x, routing.gates, experts_of_rows(routing.accepted, layer.expert_of_row), layer.experts);
  return {with_novices(y, layer, routing.accepted, routing.gates), std::move(routing)};
}

/// Numbers of one member's rows to those of the whole router.
torch::Tensor shifted(const torch::Tensor& chosen, std::int64_t by) {
  return torch::where(chosen >= 0, chosen + by, chosen).to(torch::kInt32);
}

/// A member's columns among all: [n, rows of the member] -> [n, rows].
torch::Tensor in_place(const torch::Tensor& part, std::int64_t member, std::int64_t members,
                       double elsewhere) {
  const auto width = part.size(1);
  return torch::constant_pad_nd(part, {member * width, (members - 1 - member) * width}, elsewhere);
}

Routing joined(const std::vector<Routing>& parts) {
  const auto members = static_cast<std::int64_t>(parts.size());
  std::vector<torch::Tensor> probabilities, unjittered, chosen, accepted, gates, logits;
  for (std::int64_t m = 0; m < members; ++m) {
    const Routing& part = parts[static_cast<std::size_t>(m)];
    const auto shift = m * part.probabilities.size(1);
    probabilities.push_back(in_place(part.probabilities, m, members, 0));
    unjittered.push_back(in_place(part.unjittered, m, members, 0));
    logits.push_back(in_place(part.logits, m, members, -std::numeric_limits<double>::infinity()));
    chosen.push_back(shifted(part.chosen, shift));
    accepted.push_back(shifted(part.accepted, shift));
    gates.push_back(part.gates);
  }
  Routing all;
  all.probabilities = torch::cat(probabilities);
  all.unjittered = torch::cat(unjittered);
  all.chosen = torch::cat(chosen);
  all.accepted = torch::cat(accepted);
  all.gates = torch::cat(gates);
  all.logits = torch::cat(logits);
  return all;
}

}  // namespace

MoeOutput forward(const Ops& ops, const MoeLayer& layer, const torch::Tensor& x, const RouterOptions& options,
                  std::uint64_t key) {
  return run_experts(ops, layer, x, route(ops, x, layer.router, options, key));
}

EnsembleOutput forward_ensemble(const Ops& ops, const MoeLayer& layer, const torch::Tensor& x,
                                std::int64_t members, const RouterOptions& options, std::uint64_t key) {
  EnsembleOutput output;
  const auto tokens = x.size(0) / members, rows = layer.router.size(0) / members;
  auto own = options;
  own.capacity_experts = options.capacity_experts / members;
  for (std::int64_t m = 0; m < members; ++m)
    output.parts.push_back(route(ops, x.narrow(0, m * tokens, tokens), layer.router.narrow(0, m * rows, rows),
                                 own, counter_random(key, static_cast<std::uint64_t>(m))));
  auto [y, routing] = run_experts(ops, layer, x, joined(output.parts));
  output.y = std::move(y);
  output.routing = std::move(routing);
  return output;
}

}  // namespace espalier
