#include "train/moe_layer.h"

#include <limits>
#include <utility>

#include "base/rng.h"

namespace espalier::train {
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
torch::Tensor with_novices(const torch::Tensor& y, const torch::Tensor& novices,
                           const std::vector<std::int32_t>& expert_of_row, const Routing& routing) {
  if (!novices.defined()) return y;
  const auto rows = static_cast<std::int64_t>(expert_of_row.size());
  auto place = torch::zeros({rows + 1}, torch::kInt64);  // of a row among the novices, from 1; 0: none
  std::int64_t count = 0;
  for (std::int64_t row = 0; row < rows; ++row)
    if (expert_of_row[static_cast<std::size_t>(row)] < 0) place[row + 1] = ++count;
  const auto& accepted = routing.accepted;
  const auto columns =
      place.index_select(0, accepted.to(torch::kInt64).view({-1}) + 1).view(accepted.sizes());
  const auto weights = torch::zeros({accepted.size(0), count + 1}, routing.gates.options())
                           .scatter_add(1, columns, routing.gates);
  return y + torch::matmul(weights.narrow(1, 1, count), novices);
}

/// Shows what experts would have given to the tokens for which they had no place.
void show_overflow(const Ops& ops, const MoeWeights& moe, const std::vector<std::int32_t>& expert_of_row,
                   const torch::Tensor& x, const Routing& routing, const ExpertOutputsTap& tap) {
  if (routing.accepted.is_same(routing.chosen)) return;
  const torch::NoGradGuard no_grad;
  const auto refused = torch::where(routing.accepted < 0, routing.chosen, -1).to(torch::kInt32);
  if ((refused >= 0).any().item<bool>())
    ops.experts(x, routing.gates, experts_of_rows(refused, expert_of_row), moe.experts, tap);
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
  all.chooser = parts.front().chooser;
  return all;
}

std::vector<Routing> routed_parts(const Ops& ops, const MoeWeights& moe, const torch::Tensor& x,
                                  std::int64_t members, const RouterOptions& options, std::uint64_t key) {
  const auto tokens = x.size(0) / members, rows = moe.router.size(0) / members;
  auto own = options;
  own.capacity_experts = options.capacity_experts / members;
  std::vector<Routing> parts;
  for (std::int64_t m = 0; m < members; ++m)
    parts.push_back(route(ops, x.narrow(0, m * tokens, tokens), moe.router.narrow(0, m * rows, rows), {}, own,
                          counter_random(key, static_cast<std::uint64_t>(m))));
  return parts;
}

}  // namespace

MoeOutput routed_experts(const Ops& ops, const MoeWeights& moe,
                         const std::vector<std::int32_t>& expert_of_row, const torch::Tensor& x,
                         std::int64_t members, const RouterOptions& options, std::uint64_t key,
                         const ExpertOutputsTap& tap) {
  MoeOutput output;
  if (members > 1) {
    output.parts = routed_parts(ops, moe, x, members, options, key);
    output.routing = joined(output.parts);
  } else {
    output.routing = route(ops, x, moe.router, moe.correction, options, key);
  }
  const auto& routing = output.routing;
  const auto y =
      ops.experts(x, routing.gates, experts_of_rows(routing.accepted, expert_of_row), moe.experts, tap);
  output.y = with_novices(y, moe.novices, expert_of_row, routing);
  if (tap) show_overflow(ops, moe, expert_of_row, x, routing, tap);
  return output;
}

std::vector<std::int32_t> expert_of_row(const arch::Router& router) {
  if (router.expert_rows.empty()) return {};
  std::vector<std::int32_t> experts(static_cast<std::size_t>(router.rows), -1);
  for (std::size_t e = 0; e < router.expert_rows.size(); ++e)
    experts[static_cast<std::size_t>(router.expert_rows[e])] = static_cast<std::int32_t>(e);
  return experts;
}

}  // namespace espalier::train
